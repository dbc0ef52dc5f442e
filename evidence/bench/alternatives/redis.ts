/**
 * What a user would build instead: Redis, a Lua script that reserves and commits, and a client that pipelines by
 * itself. The script does what ours does for an agent that has budget: checks, holds with a lease, remembers by id,
 * books what was used. It moves no budget between agents and keeps no journal but Redis's own.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Redis } from "ioredis";
import { freePort } from "../../../test/support/port.ts";
import type { Governor } from "./governor.ts";
import { findProgram } from "./programs.ts";

const script = `
local pool, op, id, agent, amount, now = KEYS[1], ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[5])
local held = pool .. ':h:' .. id
if op == 'reserve' then
  local known = redis.call('HGET', held, 'granted')
  if known then return {1, tonumber(known)} end
  local books = pool .. ':a:' .. agent
  local ledger = redis.call('HMGET', books, 'allocated', 'consumed', 'held')
  local available = tonumber(ledger[1] or 0) - tonumber(ledger[2] or 0) - tonumber(ledger[3] or 0)
  if amount > available then return {0, available} end
  redis.call('HINCRBY', books, 'held', amount)
  redis.call('HSET', held, 'granted', amount, 'agent', agent, 'state', 'held')
  redis.call('ZADD', pool .. ':leases', now + 120000, id)
  redis.call('PEXPIRE', held, 600000)
  return {1, amount}
end
local reservation = redis.call('HMGET', held, 'granted', 'agent', 'state', 'consumed')
if not reservation[1] then return {0, -1} end
if reservation[3] == 'committed' then return {tonumber(reservation[4]) == amount and 1 or 0, tonumber(reservation[4])} end
local books = pool .. ':a:' .. reservation[2]
redis.call('HINCRBY', books, 'held', -tonumber(reservation[1]))
redis.call('HINCRBY', books, 'consumed', amount)
redis.call('HSET', held, 'state', 'committed', 'consumed', amount)
redis.call('ZREM', pool .. ':leases', id)
return {1, amount}
`;

/** Debian's redis-server, with every write in its append-only file once a second; undefined where there is none. */
export async function startRedis(): Promise<Governor | undefined> {
  const program = findProgram("redis-server", ["/usr/bin"]);
  if (program === undefined) return undefined;
  const directory = mkdtempSync(join(tmpdir(), "bursar-redis-"));
  const port = await freePort();
  const settings = ["--port", String(port), "--bind", "127.0.0.1", "--dir", directory, "--save", ""];
  const child = spawn(program, [...settings, "--appendonly", "yes", "--appendfsync", "everysec"], { stdio: "ignore" });
  const redis = new Redis({ port, host: "127.0.0.1", enableAutoPipelining: true, retryStrategy: () => 50 });
  redis.defineCommand("govern", { numberOfKeys: 1, lua: script });
  await redis.ping();
  await redis.hset("pool:a:swarm", "allocated", 1e12);
  const govern = async (...args: (string | number)[]): Promise<void> => {
    const [ok] = await Reflect.get(redis, "govern").call(redis, "pool", ...args);
    if (ok !== 1) throw new Error(`redis refused ${args.join(" ")}`);
  };
  return {
    reserve: (id, agent, amount) => govern("reserve", id, agent, amount, Date.now()),
    commit: (id, amount) => govern("commit", id, "", amount, Date.now()),
    stop: () => stop(redis, child, directory),
  };
}

async function stop(redis: Redis, child: ChildProcess, directory: string): Promise<void> {
  redis.disconnect();
  const ended = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGKILL");
  await ended;
  rmSync(directory, { recursive: true, force: true });
}
