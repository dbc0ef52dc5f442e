/**
 * What a user would build instead on PostgreSQL: a function for each step, so that one question is one round trip; the
 * agent's row is locked (`SELECT … FOR UPDATE`), the hold is a row under the caller's id. It moves no budget between
 * agents.
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { chownSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import pg, { type Pool } from "pg";
import { freePort } from "../../../test/support/port.ts";
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

  CREATE FUNCTION reserve(hold text, spender text, amount bigint) RETURNS void LANGUAGE plpgsql AS $$
  DECLARE available bigint;
  BEGIN
    SELECT allocated - consumed - held INTO available FROM agents WHERE name = spender FOR UPDATE;
    IF EXISTS (SELECT 1 FROM reservations WHERE id = hold) THEN RETURN; END IF;
    IF available IS NULL OR available < amount THEN RAISE EXCEPTION '% left', available; END IF;
    INSERT INTO reservations (id, agent, granted, expires_at)
      VALUES (hold, spender, amount, now() + interval '2 minutes');
    UPDATE agents SET held = held + amount WHERE name = spender;
  END $$;

  CREATE FUNCTION settle(hold text, used bigint) RETURNS void LANGUAGE plpgsql AS $$
  DECLARE reservation reservations;
  BEGIN
    SELECT * INTO reservation FROM reservations WHERE id = hold FOR UPDATE;
    IF reservation.id IS NULL THEN RAISE EXCEPTION 'no reservation %', hold; END IF;
    IF reservation.consumed IS NOT NULL THEN RETURN; END IF;
    UPDATE reservations SET consumed = used WHERE id = hold;
    UPDATE agents SET held = held - reservation.granted, consumed = consumed + used WHERE name = reservation.agent;
  END $$;
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
  return {
    reserve: async (id, name, amount) => {
      await pool.query({ name: "reserve", text: "SELECT reserve($1, $2, $3)", values: [id, name, amount] });
    },
    commit: async (id, amount) => {
      await pool.query({ name: "settle", text: "SELECT settle($1, $2)", values: [id, amount] });
    },
    stop: async () => {
      await pool.end();
      const ended = new Promise((resolve) => child.once("exit", resolve));
      child.kill("SIGQUIT");
      await ended;
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** PostgreSQL refuses to run as root, so it runs as Debian's user there. */
function startServer(program: string, directory: string, port: number): ChildProcess {
  const user = process.getuid?.() === 0 ? debianUser() : {};
  if (user.uid !== undefined) chownSync(directory, user.uid, user.gid ?? user.uid);
  const data = join(directory, "data");
  const made = spawnSync(join(dirname(program), "initdb"), ["-D", data, "-U", "postgres", "--auth=trust"], user);
  if (made.status !== 0) throw new Error(`initdb: ${String(made.stderr)}`);
  // As safe as Redis and workerd are here: what is committed is the kernel's, and survives kill -9, not a power cut.
  const settings = ["fsync=off", "synchronous_commit=on", "listen_addresses=127.0.0.1", "unix_socket_directories="];
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

async function answers(pool: Pool): Promise<void> {
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
