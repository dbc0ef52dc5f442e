/**
 * What a user would build instead on PostgreSQL: the agent's row is locked (`SELECT … FOR UPDATE`), the hold is a row
 * under the caller's id, and both change in one transaction. It moves no budget between agents.
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { chownSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import pg from "pg";
import { freePort } from "../lib/workerd.ts";
import { budget, type Governor, agent as spender } from "./governor.ts";
import { findProgram, postgresFolders } from "./programs.ts";

const connections = 20;
const schema = `
  CREATE TABLE agents (
    name text PRIMARY KEY, allocated bigint NOT NULL, consumed bigint NOT NULL DEFAULT 0, held bigint NOT NULL DEFAULT 0
  );
  CREATE TABLE reservations (
    id text PRIMARY KEY, agent text NOT NULL, granted bigint NOT NULL, consumed bigint, expires_at timestamptz NOT NULL
  );
  CREATE INDEX leases ON reservations (expires_at) WHERE consumed IS NULL;
  INSERT INTO agents (name, allocated) VALUES ('${spender}', ${budget});
`;

/** Undefined where there is no PostgreSQL. */
export async function startPostgres(): Promise<Governor | undefined> {
  const program = findProgram("postgres", postgresFolders());
  if (program === undefined) return undefined;
  const directory = mkdtempSync(join(tmpdir(), "bursar-postgres-"));
  const port = await freePort();
  const child = startServer(program, directory, port);
  const pool = new pg.Pool({ host: "127.0.0.1", port, user: "postgres", database: "postgres", max: connections });
  await answers(pool);
  await pool.query(schema);
  const within = async <T>(work: (client: pg.PoolClient) => Promise<T>): Promise<T> => {
    const client = await pool.connect();
    try {
      await client.query("BEGIN");
      const result = await work(client);
      await client.query("COMMIT");
      return result;
    } catch (error) {
      await client.query("ROLLBACK");
      throw error;
    } finally {
      client.release();
    }
  };
  return {
    reserve: (id, name, amount) => within((client) => reserve(client, id, name, amount)),
    commit: (id, amount) => within((client) => commit(client, id, amount)),
    stop: async () => {
      await pool.end();
      const ended = new Promise((resolve) => child.once("exit", resolve));
      child.kill("SIGQUIT");
      await ended;
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

async function reserve(client: pg.PoolClient, id: string, name: string, amount: number): Promise<void> {
  const { rows } = await client.query({
    name: "agent",
    text: "SELECT allocated - consumed - held AS available FROM agents WHERE name = $1 FOR UPDATE",
    values: [name],
  });
  const known = await client.query({ name: "known", text: "SELECT 1 FROM reservations WHERE id = $1", values: [id] });
  if (known.rowCount === 1) return;
  if (Number(rows[0]?.available) < amount) throw new Error(`${rows[0]?.available} left`);
  await client.query({
    name: "hold",
    text: "INSERT INTO reservations (id, agent, granted, expires_at) VALUES ($1, $2, $3, now() + interval '2 minutes')",
    values: [id, name, amount],
  });
  await client.query({
    name: "held",
    text: "UPDATE agents SET held = held + $2 WHERE name = $1",
    values: [name, amount],
  });
}

async function commit(client: pg.PoolClient, id: string, amount: number): Promise<void> {
  const { rows } = await client.query({
    name: "held-by",
    text: "SELECT agent, granted, consumed FROM reservations WHERE id = $1 FOR UPDATE",
    values: [id],
  });
  const [reservation] = rows;
  if (reservation === undefined) throw new Error(`no reservation ${id}`);
  if (reservation.consumed !== null) return;
  await client.query({
    name: "settle",
    text: "UPDATE reservations SET consumed = $2 WHERE id = $1",
    values: [id, amount],
  });
  await client.query({
    name: "book",
    text: "UPDATE agents SET held = held - $2, consumed = consumed + $3 WHERE name = $1",
    values: [reservation.agent, reservation.granted, amount],
  });
}

/** PostgreSQL refuses to run as root, so it runs as Debian's user there. */
function startServer(program: string, directory: string, port: number): ChildProcess {
  const user = process.getuid?.() === 0 ? debianUser() : {};
  if (user.uid !== undefined) chownSync(directory, user.uid, user.gid ?? user.uid);
  const data = join(directory, "data");
  const made = spawnSync(join(dirname(program), "initdb"), ["-D", data, "-U", "postgres", "--auth=trust"], user);
  if (made.status !== 0) throw new Error(`initdb: ${String(made.stderr)}`);
  // As safe as Redis and workerd are here: what is committed survives the end of the process, not that of the power.
  const settings = ["synchronous_commit=off", "listen_addresses=127.0.0.1", "unix_socket_directories="];
  const options = settings.flatMap((setting) => ["-c", setting]);
  return spawn(program, ["-D", data, "-p", String(port), ...options], { ...user, stdio: "ignore" });
}

function debianUser(): { uid?: number; gid?: number } {
  const line = readFileSync("/etc/passwd", "utf8")
    .split("\n")
    .find((one) => one.startsWith("postgres:"));
  const [, , uid, gid] = line?.split(":") ?? [];
  return line === undefined ? {} : { uid: Number(uid), gid: Number(gid) };
}

async function answers(pool: pg.Pool): Promise<void> {
  for (let tries = 0; ; tries++) {
    try {
      await pool.query("SELECT 1");
      return;
    } catch (error) {
      if (tries > 200) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}
