/**
 * What strangers can make us pay for, and what they can do to the server that is spoken to in bytes: no database is
 * made for anybody without a key, and nothing that arrives over a socket is answered by a fault of ours.
 */
import { readdirSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { routes } from "../../src/http/routes.ts";
import { signKey } from "../../src/http/signature.ts";
import { startWorkerd, type Workerd } from "../support/workerd.ts";

const secrets = {
  BURSAR_OPERATOR_TOKEN: "operator-token-of-the-wallet-test-0123456789",
  BURSAR_KEY_SECRET: "key-secret-of-the-wallet-test-0123456789abcd",
};
const otherSecrets = { BURSAR_KEY_SECRET: "another-secret-of-the-wallet-test-0123456789" };
const admin = { tenant: "acme", key_id: "k", scope: "admin" } as const;
const key = await signKey(admin, secrets);
const victim = "/v1/pools/victim";

let workerd: Workerd;

beforeAll(async () => {
  workerd = await startWorkerd(
    { bursar: "PoolObject" },
    { settings: { ...secrets, BURSAR_LOG: "none" }, isQuiet: true },
  );
}, 60_000);

afterAll(() => workerd.stop());

const data = (): string => join(workerd.directory, "data", "bursar");

/** The files of the databases, by class and id of the object that each belongs to. */
function databasesNow(): string[] {
  return readdirSync(data(), { recursive: true, encoding: "utf8" })
    .filter((path) => path.includes(".sqlite"))
    .toSorted();
}

async function call(method: string, path: string, token: string | null, body?: unknown): Promise<[number, string]> {
  const response = await fetch(workerd.urls.bursar + path, {
    method,
    headers: {
      ...(token === null ? undefined : { authorization: `Bearer ${token}` }),
      ...(body === undefined ? undefined : { "content-type": "application/json" }),
    },
    ...(body === undefined ? undefined : { body: JSON.stringify(body) }),
  });
  return [response.status, await response.text()];
}

async function must(method: string, path: string, body?: unknown): Promise<string> {
  const [status, text] = await call(method, path, key, body);
  if (status >= 300) throw new Error(`${method} ${path}: ${status} ${text}`);
  return text;
}

/** Makes the pool that nobody may touch; does nothing if it is there. */
async function makeVictim(): Promise<void> {
  await must("PUT", victim, { budget: 10_000 });
  await must("PUT", `${victim}/agents/a`, { priority: 1, max_tokens: 1_000 });
  await must("POST", `${victim}/reservations`, { agent: "a", tokens: 10, id: "held", ttl_ms: 3_600_000 });
}

/** The report and the journal of the pool that must stay as it is; that they are answered shows that the server lives. */
async function everything(): Promise<string> {
  return (await must("GET", `${victim}/report`)) + (await must("GET", `${victim}/journal`));
}

/** Does `ask` for each of `count` numbers, 50 at a time. */
async function many(count: number, ask: (index: number) => Promise<void>): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let index = next++; index < count; index = next++) await ask(index);
  };
  await Promise.all(Array.from({ length: 50 }, worker));
}

describe("5,000 requests that we owe nothing", () => {
  it("are refused without a database being made for any of them", async () => {
    const databases = databasesNow();
    const tokens = [
      null,
      "x",
      await signKey(admin, otherSecrets),
      await signKey({ ...admin, expires_at: 1 }, secrets),
      `${key.slice(0, -2)}AA`,
      secrets.BURSAR_KEY_SECRET,
    ];
    const statuses = new Map<number, number>();
    await many(5_000, async (index) => {
      const route = routes[index % routes.length];
      const path = (route?.path ?? "").replaceAll(/:\w+/g, `n${index}`);
      const isUnknown = index % 7 === 0;
      const token = isUnknown ? key : (tokens[index % tokens.length] ?? null);
      const method = route?.method ?? "GET";
      const [status] = await call(
        method,
        isUnknown ? `/v2/pools/n${index}` : path,
        token,
        method === "GET" ? undefined : { agent: "a", tokens: 1 },
      );
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
    });
    const unknown = Math.ceil(5_000 / 7);
    expect(Object.fromEntries(statuses)).toEqual({ 401: 5_000 - unknown, 404: unknown });
    expect(databasesNow()).toEqual(databases);
  });

  it("and 500 with a good key, but for pools that are not there, store nothing at all", async () => {
    await makeVictim();
    const databases = databasesNow();
    const names = 25;
    await many(500, async (index) => {
      const path = `/v1/pools/nothing-${index % names}`;
      const requests = [
        () => call("GET", path, key),
        () => call("GET", `${path}/report`, key),
        () => call("POST", `${path}/usage`, key, { agent: "a", tokens: 1 }),
        () => call("POST", `${path}/reservations`, key, { agent: "a", tokens: 1, wait_ms: 60_000 }),
        () => call("DELETE", path, key),
      ];
      const [status] = (await requests[Math.floor(index / names) % requests.length]?.()) ?? [0];
      expect(status).toBe(404);
    });
    const added = databasesNow().filter((path) => !databases.includes(path));
    const files = added.filter((path) => path.endsWith(".sqlite"));
    // workerd opens a database for whatever object is woken, even for one that never touches its storage. It stays
    // empty: no table, and one page at most. There is one for each name, however often it is asked for.
    expect(files.length).toBeLessThanOrEqual(names);
    for (const file of files) {
      const database = new DatabaseSync(join(data(), file), { readOnly: true });
      const tables = database.prepare("SELECT name FROM sqlite_master").all();
      const pages = database.prepare("PRAGMA page_count").get();
      database.close();
      expect(tables).toEqual([]);
      expect(Number(pages?.["page_count"])).toBeLessThanOrEqual(1);
    }
    expect(JSON.parse(await must("GET", "/v1/pools"))).toMatchObject({ pools: [{ name: "victim" }] });
  });
});

// --- bytes ---

type Attack = readonly [name: string, bytes: string | readonly string[]];

const auth = `Authorization: Bearer ${key}\r\n`;
const host = "Host: bursar.test\r\n";
const json = "Content-Type: application/json\r\n";
const nowhere = "/v1/pools/nowhere";
const usage = `POST ${nowhere}/usage HTTP/1.1\r\n${host}${auth}${json}`;
/**
 * Hidden in the body of another request, or behind the end that one of two readers sees. It has no key of its own:
 * that of the request before must not count for it.
 */
const hidden = `DELETE ${victim}?force=true HTTP/1.1\r\n${host}\r\n`;
const chunk = (text: string): string => `${text.length.toString(16)}\r\n${text}\r\n`;
const body = '{"agent":"a","tokens":1}';
const lettersOf = (text: string): string[] => text.split("");
const get = (target: string, headers = host + auth, version = "HTTP/1.1"): string =>
  `GET ${target} ${version}\r\n${headers}\r\n`;

const lengths: readonly Attack[] = [
  ...[
    "-1",
    "+24",
    "NaN",
    "0x18",
    "1e3",
    "24.0",
    "",
    "2 4",
    "24, 24",
    "24,25",
    "9".repeat(20),
    "18446744073709551640",
  ].map((value): Attack => [`a content-length of "${value}"`, `${usage}Content-Length: ${value}\r\n\r\n${body}`]),
  ["a content-length with zeros before it", `${usage}Content-Length: 000024\r\n\r\n${body}`],
  ["two equal content-lengths", `${usage}Content-Length: 24\r\nContent-Length: 24\r\n\r\n${body}`],
  ["two different content-lengths", `${usage}Content-Length: 24\r\nContent-Length: 0\r\n\r\n${body}${hidden}`],
  ["a content-length that is too small", `${usage}Content-Length: 10\r\n\r\n${body}`],
  ["a body that ends early", `${usage}Content-Length: 500\r\n\r\n${body}`],
  ["no body where one was announced", `${usage}Content-Length: 24\r\n\r\n`],
  ["a content-length with a GET", `GET ${nowhere} HTTP/1.1\r\n${host}${auth}Content-Length: 24\r\n\r\n${body}`],
  [
    "a request in the body of a GET",
    `GET ${nowhere} HTTP/1.1\r\n${host}${auth}Content-Length: ${hidden.length}\r\n\r\n${hidden}`,
  ],
  ["a body over the limit that is announced", `${usage}Content-Length: 70000\r\n\r\n${"x".repeat(70_000)}`],
  ["a body over the limit that is announced and never sent", `${usage}Content-Length: 70000000000\r\n\r\nx`],
];

const encodings: readonly Attack[] = [
  ...[
    "chunked, chunked",
    "identity",
    "gzip, chunked",
    "xchunked",
    "chunked\x0b",
    "Chunked",
    "chunked;q=1",
    "chunked,",
    "",
  ].map((value): Attack => [
    `a transfer-encoding of ${JSON.stringify(value)}`,
    `${usage}Transfer-Encoding: ${value}\r\n\r\n${chunk(body)}0\r\n\r\n`,
  ]),
  ["content-length, then chunks", `${usage}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${hidden}`],
  ["chunks, then content-length", `${usage}Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n${hidden}`],
  [
    "a content-length over all and chunks that end before",
    `${usage}Content-Length: ${5 + hidden.length}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${hidden}`,
  ],
  [
    "two transfer-encodings",
    `${usage}Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${hidden}`,
  ],
  [
    "a transfer-encoding with a space before its colon",
    `${usage}Transfer-Encoding : chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n${hidden}`,
  ],
  [
    "a folded transfer-encoding",
    `${usage}Transfer-Encoding:\r\n chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n${hidden}`,
  ],
];

const chunks: readonly Attack[] = (
  [
    ["a chunk whose size is no number", "ZZ\r\n{}\r\n0\r\n\r\n"],
    ["a chunk of negative size", "-1\r\n{}\r\n0\r\n\r\n"],
    ["a chunk of a size that overflows", `${"F".repeat(17)}\r\n{}\r\n0\r\n\r\n`],
    ["a chunk with 0x before its size", "0x2\r\n{}\r\n0\r\n\r\n"],
    ["a chunk with a space before its size", " 2\r\n{}\r\n0\r\n\r\n"],
    ["a chunk longer than its size", "2\r\n{}{}{}\r\n0\r\n\r\n"],
    ["a chunk without the line end after it", "2\r\n{}0\r\n\r\n"],
    ["chunks with bare line feeds", "2\n{}\n0\n\n"],
    ["chunks that end early", "18\r\n{"],
    ["chunks without an end", chunk(body)],
    ["a chunk with a long extension", `2;${"x".repeat(20_000)}\r\n{}\r\n0\r\n\r\n`],
    ["trailers", `${chunk(body)}0\r\nX-Trailer: y\r\n\r\n`],
    ["trailers with another key and length", `${chunk(body)}0\r\n${auth}Content-Length: 5\r\n\r\n`],
    ["chunks of a letter each", `${lettersOf(body).map(chunk).join("")}0\r\n\r\n`],
    ["more chunks than a body may hold", `${chunk("x".repeat(60_000)).repeat(2)}0\r\n\r\n`],
  ] as const
).map(([name, text]) => [name, `${usage}Transfer-Encoding: chunked\r\n\r\n${text}`]);

const headers: readonly Attack[] = (
  [
    ["a folded header", "X-A: b\r\n c\r\n"],
    ["a folded header with a tab", "X-A: b\r\n\tc\r\n"],
    ["a header with a bare line feed", "X-A: b\nX-B: c\r\n"],
    ["a header with a bare carriage return", "X-A: b\rX-B: c\r\n"],
    ["a header with a NUL", "X-A: b\0c\r\n"],
    ["a header with a control letter", "X-A: b\x01c\r\n"],
    ["a header with a delete letter", "X-A: b\x7fc\r\n"],
    ["a header of Latin letters", "X-A: \xff\xfe\xe9\r\nOrigin: \xff\r\nIdempotency-Key: \xe9\r\n"],
    ["a header without a colon", "X-A\r\n"],
    ["a header without a name", ": b\r\n"],
    ["a header with a space before its colon", "X-A : b\r\n"],
    ["a header with a space in its name", "X A: b\r\n"],
    ["a header that is named NUL", "\0: b\r\n"],
    ["a thousand headers", Array.from({ length: 1_000 }, (_, index) => `X-${index}: y\r\n`).join("")],
    ["a thousand equal headers", "X-A: y\r\n".repeat(1_000)],
    ["a header of 64 KB", `X-A: ${"y".repeat(65_536)}\r\n`],
    ["a header of 300 KB", `X-A: ${"y".repeat(300_000)}\r\n`],
    ["a header's name of 64 KB", `${"Y".repeat(65_536)}: y\r\n`],
    ["a second authorization", auth],
    ["a second, different host", "Host: other.test\r\n"],
    ["another method in a header", "X-HTTP-Method-Override: DELETE\r\nX-Method-Override: DELETE\r\n"],
    ["another path in a header", `X-Original-URL: ${victim}\r\nX-Rewrite-URL: ${victim}\r\n`],
    ["forwarded headers", "Forwarded: for=127.0.0.1;host=x\r\nX-Forwarded-Host: x#@y\r\nX-Forwarded-Proto: \r\n"],
    ["hop-by-hop headers", "Connection: authorization, host\r\nTE: trailers\r\nKeep-Alive: max=0\r\n"],
    ["a promise to go on", "Expect: 100-continue\r\n"],
    ["an unknown expectation", "Expect: the-unexpected\r\n"],
    [
      "an upgrade to a websocket",
      "Connection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: eA==\r\n",
    ],
    [
      "an upgrade to HTTP/2",
      "Connection: upgrade, http2-settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n",
    ],
  ] as const
).map(([name, lines]) => [name, get(nowhere, host + auth + lines)]);

const hosts: readonly Attack[] = [
  "x#@y",
  "a b",
  "[::1",
  "[]",
  "x:99999",
  "x:y",
  "x:-1",
  "user:password@x",
  "x\\y",
  "%00",
  "%",
  "x?y",
  "..",
  "*",
  "\xe9",
  "<x>",
  "x,y",
  "a.".repeat(300),
  `x${victim}?`,
  `x${victim}?force=true#`,
  `x${victim}?force=true&x=`,
  "",
].flatMap((value): Attack[] => [
  [`the host "${value.slice(0, 40)}"`, get(`${nowhere}?force=true`, `Host: ${value}\r\n${auth}`)],
  [
    `the host "${value.slice(0, 40)}" of a deletion`,
    `DELETE ${nowhere}?force=true HTTP/1.1\r\nHost: ${value}\r\n${auth}\r\n`,
  ],
]);

const targets: readonly Attack[] = [
  `http://evil.test${nowhere}`,
  `https://evil.test${nowhere}`,
  `http://user:password@evil.test${nowhere}`,
  `http://[${nowhere}`,
  `http://${nowhere}`,
  `ftp://evil.test${nowhere}`,
  "javascript:alert(1)",
  "*",
  "",
  "v1/pools",
  "//evil.test/v1/pools",
  "///v1/pools",
  "/\\evil.test/v1/pools",
  "/v1/x/../../v1/pools/nowhere",
  "/v1/pools/%2e%2e/%2e%2e/healthz",
  "/v1/pools/%252e%252e",
  "/v1/pools/%2576ictim",
  "/v1/pools/victim%00",
  "/v1/pools/victim%2Freport",
  "/v1/pools/%zz",
  "/v1/pools/%",
  "/v1/pools/%ff%fe",
  "/v1/pools/%u0076",
  "/v1/pools/\xff",
  "/v1/pools/nowhere#fragment",
  "/v1/pools/nowhere?a=1&a=2",
  "/v1/pools/nowhere?%zz=%",
  "/v1/pools;victim",
  "/V1/POOLS/nowhere",
  `/v1/pools/${"x".repeat(100_000)}`,
  `/${"a/".repeat(20_000)}`,
  `/v1/pools?${"a=b&".repeat(20_000)}`,
].map((target) => [`the target ${JSON.stringify(target.slice(0, 50))}`, get(target)]);

const lines: readonly Attack[] = (
  [
    ["a method in small letters", `get ${nowhere} HTTP/1.1`],
    ["a method that nobody knows", `FOO ${nowhere} HTTP/1.1`],
    ["TRACE", `TRACE ${nowhere} HTTP/1.1`],
    ["CONNECT", "CONNECT bursar.test:443 HTTP/1.1"],
    ["CONNECT to a path", `CONNECT ${nowhere} HTTP/1.1`],
    ["OPTIONS of everything", "OPTIONS * HTTP/1.1"],
    ["a very long method", `${"G".repeat(100_000)} ${nowhere} HTTP/1.1`],
    ["a tab after the method", `GET\t${nowhere} HTTP/1.1`],
    ["two spaces", `GET  ${nowhere}  HTTP/1.1`],
    ["a space in the target", "GET /v1/pools/no where HTTP/1.1"],
    ["a NUL in the target", "GET /v1/pools/no\0where HTTP/1.1"],
    ["no version", `GET ${nowhere}`],
    ["HTTP/0.9", `GET ${nowhere} HTTP/0.9`],
    ["HTTP/1.0", `GET ${nowhere} HTTP/1.0`],
    ["HTTP/1.2", `GET ${nowhere} HTTP/1.2`],
    ["HTTP/2.0", `GET ${nowhere} HTTP/2.0`],
    ["HTTP/9.9", `GET ${nowhere} HTTP/9.9`],
    ["a version in small letters", `GET ${nowhere} http/1.1`],
    ["a version that is none", `GET ${nowhere} HTTP/x`],
    ["something behind the version", `GET ${nowhere} HTTP/1.1 x`],
  ] as const
).map(([name, line]) => [name, `${line}\r\n${host}${auth}\r\n`]);

/** Bytes that follow from a seed. */
function noise(seed: number, length: number): string {
  let state = seed;
  return Array.from({ length }, () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
    return String.fromCharCode((state >>> 16) & 0xff);
  }).join("");
}

const streams: readonly Attack[] = [
  ["a good request, then garbage", get(nowhere) + noise(1, 500)],
  ["twenty requests at once", get(nowhere).repeat(20)],
  ["a good request, then half of one", get(nowhere) + hidden.slice(0, -10)],
  ["garbage, then a good request", `\x00\x01\x02\r\n\r\n${get(nowhere)}`],
  ["empty lines, then a good request", `\r\n\r\n\r\n${get(nowhere)}`],
  ["a good request whose body is followed by garbage", `${usage}Content-Length: 24\r\n\r\n${body}${noise(2, 100)}`],
  ["the beginning of TLS", `\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03${noise(3, 300)}`],
  ["the beginning of HTTP/2", `PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0`],
  ["SSH", "SSH-2.0-OpenSSH_9.9\r\n"],
  ["nothing", ""],
  ["half a line", "GET /v1/po"],
  ["headers without an end", `GET ${nowhere} HTTP/1.1\r\n${host}${auth}`],
  ["line feeds alone", get(nowhere).replaceAll("\r\n", "\n")],
  ["carriage returns alone", get(nowhere).replaceAll("\r\n", "\r")],
  ["a body that comes letter by letter", [`${usage}Content-Length: 24\r\n\r\n`, ...lettersOf(body)]],
  [
    "a body that comes letter by letter, and stops",
    [`${usage}Content-Length: 24\r\n\r\n`, ...lettersOf(body.slice(0, 9))],
  ],
  ["headers that come letter by letter", lettersOf(get(nowhere))],
  [
    "chunks that come letter by letter",
    [`${usage}Transfer-Encoding: chunked\r\n\r\n`, ...lettersOf(`${chunk(body)}0\r\n\r\n`)],
  ],
  ...Array.from({ length: 12 }, (_, seed): Attack => [`noise, seed ${seed}`, noise(seed * 7_919 + 1, 1_500)]),
];

/** Everything that comes back for `bytes`; the sender closes its side, and waits 2 s at most for the other to. */
function send(bytes: string | readonly string[]): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(Number(new URL(workerd.urls.bursar).port), "127.0.0.1");
    let answer = "";
    socket.setNoDelay(true);
    socket.setTimeout(2_000, () => socket.destroy());
    socket.on("data", (data: Buffer) => (answer += data.toString("latin1")));
    socket.on("error", () => undefined);
    socket.on("close", () => resolve(answer));
    const parts = typeof bytes === "string" ? [bytes] : bytes;
    const next = (index: number): void => {
      const part = parts[index];
      if (part === undefined) socket.end();
      else socket.write(Buffer.from(part, "latin1"), () => setImmediate(next, index + 1));
    };
    next(0);
  });
}

/** The answers in a stream of them: status, and whether the Worker wrote it or workerd did by itself. */
function answersIn(stream: string): { status: number; isOurs: boolean }[] {
  return [...stream.matchAll(/HTTP\/1\.[01] (\d{3}) [^\r\n]*\r\n((?:[^\r\n]+\r\n)*)\r\n/g)]
    .map(([, status, lines = ""]) => ({ status: Number(status), isOurs: /^x-request-id:/im.test(lines) }))
    .filter(({ status }) => status !== 100);
}

const attacks = [...lengths, ...encodings, ...chunks, ...headers, ...hosts, ...targets, ...lines, ...streams];

describe("bytes that no client would send", () => {
  it("are more than a hundred, each with a name of its own", () => {
    const names = new Set(attacks.map(([name]) => name));
    expect(names.size).toBe(attacks.length);
    expect(attacks.length).toBeGreaterThan(150);
  });

  it.each(attacks)("do no harm: %s", async (_, bytes) => {
    await makeVictim();
    const before = await everything();
    const answers = answersIn(await send(bytes));
    for (const { status, isOurs } of answers) {
      // What workerd's parser answers by itself, before the Worker is asked, is not ours to choose.
      expect(isOurs ? status : 400, JSON.stringify(answers)).toBeLessThan(500);
      expect([200, 204]).not.toContain(isOurs && answers.length === 1 ? status : 0);
    }
    expect(await everything()).toBe(before);
  });

  it("say nothing of how we are made", async () => {
    await makeVictim();
    const before = await everything();
    for (const [, bytes] of attacks.filter((_, index) => index % 9 === 0)) {
      expect(await send(bytes)).not.toMatch(/\.ts\b|node_modules|at async|worker:\d|SQLITE|stack/i);
    }
    expect(await everything()).toBe(before);
  });
});
