/**
 * What a hostile caller sends: a table by class, made by multiplying what is odd with where it can be put. Every entry
 * says which status it must get, and which field must be named where the fault lies in one. `{pool}` in a path is a
 * pool with the agents `a` and `b` and one open reservation, `held`; none of these requests may change it.
 */
import { routes } from "../../src/http/routes.ts";
import { limits } from "../../src/protocol/limits.ts";

export type Attack = {
  readonly name: string;
  readonly method: string;
  readonly path: string;
  readonly headers?: [string, string][];
  readonly body?: string | Uint8Array | (() => ReadableStream<Uint8Array>);
  readonly status: number;
  readonly field?: string | undefined;
  readonly allow?: string;
};

/** Text for a test's name: short, and of plain characters only. */
export function shown(text: string): string {
  const ascii = text.replaceAll(/[^\x20-\x7e]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`);
  return ascii.length > 48 ? `${ascii.slice(0, 40)}… (${text.length})` : ascii;
}

const encoder = new TextEncoder();
const nowhere = "/v1/pools/no-such-pool";
const nobody = '{"agent":"nobody","tokens":5}';

/** A request that only fails because there is no such agent: whatever else is wrong with it shows before that. */
function reserveFor(body: Attack["body"], more: Omit<Partial<Attack>, "body"> & { readonly status: number }): Attack {
  return { name: "", method: "POST", path: "{pool}/reservations", ...(body === undefined ? {} : { body }), ...more };
}

// --- numbers ---

type NumberField = {
  readonly at: string;
  readonly method: string;
  readonly path: string;
  readonly body: (raw: string) => string;
  readonly min: number;
  readonly max: number;
  readonly fraction?: true;
  readonly nullable?: true;
  /** What a number in range gets; undefined where it would be accepted. */
  readonly inRange: number | undefined;
};

const amountMax = 1_000_000_000_000;
const totalMax = 1_000_000_000_000_000;
const dayMs = 86_400_000;
const contract = (rest: string): string => `{"priority":1,${rest}}`;

const numberFields: readonly NumberField[] = [
  {
    at: "/tokens",
    method: "POST",
    path: "{pool}/reservations",
    body: (raw) => `{"agent":"nobody","tokens":${raw}}`,
    min: 1,
    max: amountMax,
    inRange: 404,
  },
  {
    at: "/at_least",
    method: "POST",
    path: "{pool}/reservations",
    body: (raw) => `{"agent":"nobody","tokens":${amountMax},"at_least":${raw}}`,
    min: 1,
    max: amountMax,
    inRange: 404,
  },
  {
    at: "/ttl_ms",
    method: "POST",
    path: "{pool}/reservations",
    body: (raw) => `{"agent":"nobody","tokens":1,"ttl_ms":${raw}}`,
    min: 100,
    max: dayMs,
    inRange: 404,
  },
  {
    at: "/wait_ms",
    method: "POST",
    path: "{pool}/reservations",
    body: (raw) => `{"agent":"nobody","tokens":1,"wait_ms":${raw}}`,
    min: 0,
    max: 60_000,
    inRange: 404,
  },
  {
    at: "/tokens",
    method: "POST",
    path: "{pool}/reservations/nothing/commit",
    body: (raw) => `{"tokens":${raw}}`,
    min: 0,
    max: amountMax,
    inRange: 404,
  },
  {
    at: "/confidence",
    method: "POST",
    path: "{pool}/reservations/nothing/commit",
    body: (raw) => `{"tokens":1,"confidence":${raw}}`,
    min: 0,
    max: 1,
    fraction: true,
    inRange: 404,
  },
  {
    at: "/ttl_ms",
    method: "POST",
    path: "{pool}/reservations/nothing/extend",
    body: (raw) => `{"ttl_ms":${raw}}`,
    min: 100,
    max: dayMs,
    inRange: 404,
  },
  {
    at: "/microusd",
    method: "POST",
    path: "{pool}/usage",
    body: (raw) => `{"agent":"nobody","microusd":${raw}}`,
    min: 0,
    max: amountMax,
    inRange: 422,
  },
  {
    at: "/tokens",
    method: "POST",
    path: "{pool}/reallocations",
    body: (raw) => `{"agent":"nobody","tokens":${raw}}`,
    min: 1,
    max: amountMax,
    inRange: 404,
  },
  {
    at: "/tokens",
    method: "POST",
    path: `${nowhere}/funds`,
    body: (raw) => `{"tokens":${raw}}`,
    min: -totalMax,
    max: totalMax,
    inRange: 404,
  },
  {
    at: "/budget",
    method: "PUT",
    path: "{pool}",
    body: (raw) => `{"budget":${raw}}`,
    min: 0,
    max: totalMax,
    inRange: 409,
  },
  {
    at: "/default_ttl_ms",
    method: "PUT",
    path: "{pool}",
    body: (raw) => `{"default_ttl_ms":${raw}}`,
    min: 100,
    max: dayMs,
    inRange: undefined,
  },
  {
    at: "/priority",
    method: "PUT",
    path: `${nowhere}/agents/a`,
    body: (raw) => `{"max_tokens":1,"priority":${raw}}`,
    min: 0,
    max: 1_000,
    inRange: 404,
  },
  {
    at: "/max_tokens",
    method: "PUT",
    path: `${nowhere}/agents/a`,
    body: (raw) => contract(`"max_tokens":${raw}`),
    min: 0,
    max: amountMax,
    inRange: 404,
  },
  {
    at: "/min_reserve",
    method: "PUT",
    path: `${nowhere}/agents/a`,
    body: (raw) => contract(`"max_tokens":${amountMax},"min_reserve":${raw}`),
    min: 0,
    max: amountMax,
    inRange: 404,
  },
  {
    at: "/ceiling",
    method: "PUT",
    path: `${nowhere}/agents/a`,
    body: (raw) => contract(`"max_tokens":0,"ceiling":${raw}`),
    min: 0,
    max: amountMax,
    nullable: true,
    inRange: 404,
  },
];

const around = (value: number): string[] => [-1, 0, 1].map((step) => String(value + step));

/** Numbers as JSON writes them. Doubles that round to another whole number (`5.0000000000000000001`) are left out. */
const numbers: readonly string[] = [
  around(0),
  around(2 ** 31),
  around(2 ** 32),
  around(amountMax),
  around(totalMax),
  around(-totalMax),
  around(dayMs),
  around(100),
  around(1_000),
  around(60_000),
  ["9007199254740991", "9007199254740992", "9007199254740993", "-9007199254740991", "-9007199254740993"],
  ["9223372036854775807", "9223372036854775808", "-9223372036854775808", "18446744073709551616"],
  ["-0", "-0.0", "0.0", "0e0", "1.0", "1e0", "1E2", "1.5e1", "1e12", "1e15", "10e-1", "1000000000000.5"],
  ["5.5", "0.1", "0.5", "1e-1", "5e-324", "1.7976931348623157e308", "1e400", "-1e400", "1e308"],
  ["9".repeat(400), `-${"9".repeat(400)}`, `1${"0".repeat(400)}`],
].flat();

const notNumbers: readonly string[] = [
  ['"5"', '"5 "', '""', '"0x10"', '"1e3"', '"NaN"', "true", "false", "[]", "[5]", "{}", '{"$gt":0}'],
].flat();

const notJson: readonly string[] = [
  ["01", "-01", "00", "+1", "0x10", "0b1", "0o7", "1_000", "1e", "1e+", ".5", "5.", "-", "--1", "1,000"],
  ["1 000"],
  ["Infinity", "-Infinity", "NaN", "undefined", "1n", "\u0665", "\uff15", "\u00a05", "5\u0000", "/*1*/5"],
  ["'5'", ""],
].flat();

function numberAttacks(): Attack[] {
  return numberFields.flatMap((field) => {
    const { at, method, path, body, inRange } = field;
    const attack = (raw: string, status: number, named?: string): Attack => {
      const name = `${method} ${path} with ${at} ${shown(raw)}`;
      return { name, method, path, body: body(raw), status, field: named };
    };
    const written = numbers.flatMap((raw) => {
      if (!isInRange(Number(raw), field)) return [attack(raw, 400, at)];
      return inRange === undefined ? [] : [attack(raw, inRange)];
    });
    const nulls = field.nullable !== true && at !== "/budget" ? [attack("null", 400, at)] : [];
    return [
      ...written,
      ...nulls,
      ...notNumbers.map((raw) => attack(raw, 400, at)),
      ...notJson.map((raw) => attack(raw, 400, "")),
    ];
  });
}

function isInRange(value: number, { min, max, fraction }: NumberField): boolean {
  return value >= min && value <= max && (fraction === true || Number.isInteger(value));
}

// --- keys ---

function duplicateKeyAttacks(): Attack[] {
  const bodies: readonly (readonly [body: string, field: string])[] = [
    ['{"agent":"nobody","agent":"a","tokens":1}', "/agent"],
    ['{"agent":"nobody","tokens":1,"tokens":2}', "/tokens"],
    ['{"agent":"nobody","tokens":1,"tokens":1}', "/tokens"],
    ['{"agent":"nobody","tokens":1,"\\u0074okens":2}', "/tokens"],
    ['{"agent":"nobody","\\u0074okens":1,"tokens":2}', "/tokens"],
    ['{"agent":"nobody","t\\u006Fkens":1,"t\\u006fkens":2}', "/tokens"],
    ['{"agent":"nobody","\\u0074\\u006f\\u006b\\u0065\\u006e\\u0073":1,"tokens":2}', "/tokens"],
    ['{"tokens":1,"agent":"nobody","id":"x","id":"y"}', "/id"],
    ['{"tokens":1,"agent":"nobody","ttl_ms":100,"ttl_ms" : 200}', "/ttl_ms"],
    ['{"tokens":1,"agent":"nobody","ttl_ms":100,"ttl_ms"\n\t\r :200}', "/ttl_ms"],
    ['{"tokens":1,"agent":"nobody","metadata":{},"metadata":{"a":"b"}}', "/metadata"],
    ['{"tokens":1,"agent":"nobody","metadata":{"k":"1","k":"2"}}', "/metadata/k"],
    ['{"tokens":1,"agent":"nobody","metadata":{"k":"1","\\u006b":"2"}}', "/metadata/k"],
    ['{"tokens":1,"metadata":{"a":"b"},"agent":"nobody","tokens":2}', "/tokens"],
    ['{"tokens":1,"agent":"nobody","__proto__":1,"__proto__":2}', "/__proto__"],
    ['{"tokens":1,"agent":"nobody","\\u005f_proto__":1,"__proto__":2}', "/__proto__"],
    ['{"tokens":1,"agent":"nobody","constructor":1,"constructor":2}', "/constructor"],
    ['{"a\\"b":1,"a\\"b":2}', '/a"b'],
    ['{"a\\\\":1,"a\\\\":2}', "/a\\"],
    ['{"\\u00e9":1,"\u00e9":2}', "/\u00e9"],
    ['{"\\ud83d\\ude00":1,"\ud83d\ude00":2}', "/\ud83d\ude00"],
    ['{"a\\/b":1,"a/b":2}', "/a~1b"],
    ['{"a~b":1,"a~b":2}', "/a~0b"],
  ];
  return bodies.map(([body, field]) =>
    reserveFor(body, { name: `two equal keys: ${shown(body)}`, status: 400, field }),
  );
}

/** Keys that look like a field of ours to a person, or to a parser that trims, folds or splits. */
function confusableKeyAttacks(): Attack[] {
  const keys = [
    ["Tokens", "TOKENS", "tokens ", " tokens", "tokens[]", "tokens.", "token", "amount", "max_tokens", "n"],
    [""],
    ["tok\u0435ns", "token\u200bs", "tokens\u0000", "\ufefftokens", "to\u212aens", "tokens\r\n"],
    ["toke\u0301ns"],
    ["op", "unit", "available", "granted", "priority", "force", "seq", "state", "expires_at", "tenant"],
    ["pool", "$ref"],
  ].flat();
  return keys.map((key) => {
    const body = `{"agent":"nobody","tokens":5,${JSON.stringify(key)}:1}`;
    return reserveFor(body, { name: `a field that is not ours: ${shown(key)}`, status: 400, field: `/${key}` });
  });
}

/** Every route with a body, with one that has no other fault than what is added to it. */
const bodies: readonly (readonly [method: string, path: string, fields: string])[] = [
  ["PUT", "{pool}", '"journal_refusals":false'],
  ["POST", "{pool}/funds", '"tokens":5'],
  ["PUT", "{pool}/agents/new", '"priority":1,"max_tokens":5'],
  ["POST", "{pool}/agents/a/reopen", '"id":"x"'],
  ["POST", "{pool}/agents/a/reset", '"id":"x"'],
  ["POST", "{pool}/reservations", '"agent":"a","tokens":5'],
  ["POST", "{pool}/reservations/held/commit", '"tokens":5'],
  ["POST", "{pool}/reservations/held/extend", '"ttl_ms":80000000'],
  ["POST", "{pool}/usage", '"agent":"a","tokens":5'],
  ["POST", "{pool}/reallocations", '"agent":"a","tokens":5'],
  ["POST", "{pool}/batch", '"commands":[{"op":"release","id":"held"}]'],
];

const inherited = ["__proto__", "constructor", "prototype", "toString", "hasOwnProperty", "__defineGetter__"];

function prototypeAttacks(): Attack[] {
  const polluting = '{"polluted":true,"tokens":1}';
  const atTheTop = bodies.flatMap(([method, path, fields]) =>
    inherited.map((key) => ({
      name: `${method} ${path} with ${key}`,
      method,
      path,
      body: `{${fields},"${key}":${polluting}}`,
      status: 400,
      field: `/${key}`,
    })),
  );
  const values = ["null", "[]", "1", '"x"', '{"__proto__":{"polluted":true}}', '{"prototype":{"polluted":true}}'];
  const otherValues = values.flatMap((value) =>
    ["__proto__", "constructor", "\\u005f\\u005fproto__"].map((key) =>
      reserveFor(`{"agent":"a","tokens":5,"${key}":${value}}`, {
        name: `${key}: ${value}`,
        status: 400,
        field:
          key !== "constructor"
            ? "/__proto__"
            : value.includes("__proto__")
              ? "/constructor/__proto__"
              : "/constructor",
      }),
    ),
  );
  const deeper = inherited.flatMap((key) => [
    reserveFor(`{"agent":"a","tokens":5,"metadata":{"label":{"${key}":${polluting}}}}`, {
      name: `${key} inside of a label`,
      status: 400,
      // This one name is refused wherever it stands; the others are only values that are no text.
      field: key === "__proto__" ? "/metadata/label/__proto__" : "/metadata/label",
    }),
    {
      name: `${key} in a command of a batch`,
      method: "POST",
      path: "{pool}/batch",
      body: `{"commands":[{"op":"release","id":"held","${key}":${polluting}}]}`,
      status: 400,
      field: `/commands/0/${key}`,
    },
    {
      name: `the reservation ${key}`,
      method: "POST",
      path: `{pool}/reservations/${key}/commit`,
      body: '{"tokens":1}',
      status: 404,
    },
    { name: `the agent ${key}`, method: "GET", path: `{pool}/agents/${key}`, status: 404 },
    { name: `the pool ${key}`, method: "GET", path: `/v1/pools/${key}`, status: 404 },
    { name: `the parameter ${key}`, method: "GET", path: `{pool}?${key}=1`, status: 400, field: `/${key}` },
    { name: `the path ${key}`, method: "GET", path: `{pool}/${key}`, status: 404 },
    reserveFor(`{"agent":"${key}","tokens":5}`, { name: `reserving for the agent ${key}`, status: 404 }),
  ]);
  const wrongTop = ["[]", "null", "5", '"x"', "true", "[{}]"].map((body) =>
    reserveFor(body, { name: `a body that is ${body}`, status: 400, field: "" }),
  );
  return [...atTheTop, ...otherValues, ...deeper, ...wrongTop];
}

// --- depth and width ---

function deepAttacks(): Attack[] {
  const attack = (name: string, body: string): Attack => {
    const fits = encoder.encode(body).byteLength <= limits.bodyBytes;
    return reserveFor(body, { name, status: fits ? 400 : 413 });
  };
  const depths = [32, 33, 34, 64, 100, 1_000, 5_000, 10_000, 32_000, 100_000];
  return depths.flatMap((depth) => [
    attack(`${depth} brackets`, "[".repeat(depth) + "]".repeat(depth)),
    attack(`${depth} brackets that nothing closes`, "[".repeat(depth)),
    attack(`${depth} objects`, `${'{"a":'.repeat(depth)}1${"}".repeat(depth)}`),
    attack(`${depth} objects that nothing closes`, '{"a":'.repeat(depth)),
    attack(`${depth} closing brackets`, "]".repeat(depth)),
    attack(
      `${depth} levels in a label`,
      `{"agent":"a","tokens":5,"metadata":{"k":${"[".repeat(depth)}${"]".repeat(depth)}}}`,
    ),
    attack(`${depth} levels in a second field`, `{"agent":"a","tokens":5,"x":${'[{"y":'.repeat(depth)}`),
  ]);
}

function wideAttacks(): Attack[] {
  const keys = (count: number): string => Array.from({ length: count }, (_, i) => `"k${i}":"v"`).join(",");
  const labelled = (labels: string): string => `{"agent":"nobody","tokens":5,"metadata":{${labels}}}`;
  const commands = (count: number, one: string): string => `{"commands":[${Array(count).fill(one).join(",")}]}`;
  const batch = (name: string, body: string, status: number, field?: string): Attack => {
    return { name, method: "POST", path: "{pool}/batch", body, status, field };
  };
  return [
    reserveFor(`{${keys(5_000)}}`, { name: "5,000 unknown fields", status: 400 }),
    reserveFor(`{${keys(100_000)}}`, { name: "100,000 unknown fields", status: 413 }),
    reserveFor(`{"agent":"a","tokens":5,"${"k".repeat(60_000)}":1}`, {
      name: "a field of 60,000 characters",
      status: 400,
    }),
    reserveFor(`{"${"k".repeat(1_000_000)}":1}`, { name: "a field of a million characters", status: 413 }),
    reserveFor(`{"${"k".repeat(30_000)}":1,"${"k".repeat(30_000)}":2}`, { name: "two equal huge fields", status: 400 }),
    reserveFor(`{"agent":"a","tokens":5,"${"\\u0041".repeat(10_000)}":1}`, {
      name: "a huge escaped field",
      status: 400,
    }),
    reserveFor(labelled(keys(16)), { name: "as many labels as may be", status: 404 }),
    reserveFor(labelled(keys(17)), { name: "one label too many", status: 400, field: "/metadata" }),
    reserveFor(labelled(keys(5_000)), { name: "5,000 labels", status: 400, field: "/metadata" }),
    reserveFor(labelled(`"${"k".repeat(64)}":"v"`), { name: "the longest label", status: 404 }),
    reserveFor(labelled(`"${"k".repeat(65)}":"v"`), { name: "a label one too long", status: 400 }),
    reserveFor(labelled('"":"v"'), { name: "a label without a name", status: 400 }),
    reserveFor(labelled(`"k":"${"v".repeat(256)}"`), { name: "the longest value", status: 404 }),
    reserveFor(labelled(`"k":"${"v".repeat(257)}"`), {
      name: "a value one too long",
      status: 400,
      field: "/metadata/k",
    }),
    reserveFor(labelled('"k":5'), { name: "a label that is a number", status: 400, field: "/metadata/k" }),
    reserveFor(labelled('"k":null'), { name: "a label that is null", status: 400, field: "/metadata/k" }),
    reserveFor('{"agent":"a","tokens":5,"metadata":[]}', { name: "labels in a list", status: 400, field: "/metadata" }),
    reserveFor('{"agent":"a","tokens":5,"metadata":"k"}', { name: "labels as text", status: 400, field: "/metadata" }),
    batch("no commands", '{"commands":[]}', 400, "/commands"),
    batch("commands that are an object", '{"commands":{}}', 400, "/commands"),
    batch("commands that are nothing", '{"commands":[null]}', 400, "/commands/0"),
    batch("commands that are text", '{"commands":["release"]}', 400, "/commands/0"),
    batch("1,001 commands", commands(1_001, '{"op":"release","id":"held"}'), 400, "/commands"),
    batch("10,000 empty commands", commands(10_000, "{}"), 400),
    batch("a command without a verb", '{"commands":[{"id":"held"}]}', 400, "/commands/0/op"),
    batch("a verb that is not one", '{"commands":[{"op":"steal","id":"held"}]}', 400, "/commands/0/op"),
    batch("a verb in capitals", '{"commands":[{"op":"RELEASE","id":"held"}]}', 400, "/commands/0/op"),
    batch("a verb that is inherited", '{"commands":[{"op":"constructor","id":"held"}]}', 400, "/commands/0/op"),
    batch("a verb in a list", '{"commands":[{"op":["release"],"id":"held"}]}', 400, "/commands/0/op"),
    batch("a verb of the pool's own", '{"commands":[{"op":"configure","budget":5}]}', 400, "/commands/0/op"),
    batch(
      "a good command before a bad one",
      '{"commands":[{"op":"release","id":"held"},{"op":"release"}]}',
      400,
      "/commands/1/id",
    ),
    batch("a hundred unknown fields in each of fifty", commands(50, `{"op":"release","id":"x",${keys(100)}}`), 400),
  ];
}

// --- names ---

const oddNames: readonly string[] = [
  ["a\u0000", "\u0000", "a\u0000b", "\ud800", "a\udfff", "\u202ea", "a\u200f", "\u00e9", "e\u0301"],
  ["\u0430"],
  ["\uff41", "a\u200b", "\ufeffa", "a\r", "a\n", "a\r\nx-evil: 1", "a\r\n\r\n<html>", "a\t", "a\u007f"],
  ["a\u0085"],
  ["\ud83d\ude00", "\u212a", "\u0131", "a b", " a", "a ", "a/b", "a\\b", "a?b", "a#b", "a%b", "%61", "a&b"],
  ["a=b"],
  ["a,b", "a;b", "a@b", "a+b", "a*", "a|b", "~a", "$a", "a!", "(a)", "[a]", "{a}", '"a"', "'a'", "`a`"],
  ["<script>"],
  ["' OR '1'='1", "'; DROP TABLE journal;--", "1; DELETE FROM pools", 'x" UNION SELECT 1', "a' --", "\\'"],
  ["../../etc/passwd", "..\\..\\x", "/", "//", "a/../b", "\u0024{jndi:ldap://x}", "{{7*7}}", "\u0024{7*7}"],
  ["%s%n"],
  ["data: x\n\n", "event: x\ndata: y", "a".repeat(129), "a".repeat(10_000), "\u00e9".repeat(129)],
].flat();

function nameAttacks(): Attack[] {
  return oddNames.flatMap((odd) => {
    const text = JSON.stringify(odd);
    const of = (where: string): string => `${where} ${shown(odd)}`;
    const inBodies: Attack[] = [
      reserveFor(`{"agent":${text},"tokens":5}`, { name: of("agent"), status: 400, field: "/agent" }),
      reserveFor(`{"agent":"a","tokens":5,"id":${text}}`, { name: of("id"), status: 400, field: "/id" }),
      reserveFor(`{"agent":"a","tokens":5,"metadata":{${text}:"v"}}`, { name: of("label"), status: 400 }),
      {
        name: of("parent"),
        method: "PUT",
        path: "{pool}/agents/new",
        body: `{"priority":1,"max_tokens":5,"parent":${text}}`,
        status: 400,
        field: "/parent",
      },
      {
        name: of("id in a batch"),
        method: "POST",
        path: "{pool}/batch",
        body: `{"commands":[{"op":"release","id":${text}}]}`,
        status: 400,
        field: "/commands/0/id",
      },
    ];
    return [...inBodies, ...(odd.isWellFormed() ? namesInPaths(odd, of) : [])];
  });
}

function namesInPaths(odd: string, of: (where: string) => string): Attack[] {
  const encoded = encodeURIComponent(odd);
  return [
    { name: of("path: pool"), method: "GET", path: `/v1/pools/${encoded}/report`, status: 400, field: "pool" },
    { name: of("path: agent"), method: "GET", path: `{pool}/agents/${encoded}`, status: 400, field: "agent" },
    { name: of("path: closing"), method: "DELETE", path: `{pool}/agents/${encoded}`, status: 400, field: "agent" },
    {
      name: of("path: id"),
      method: "POST",
      path: `{pool}/reservations/${encoded}/commit`,
      body: '{"tokens":1}',
      status: 400,
      field: "id",
    },
    { name: of("query: after"), method: "GET", path: `/v1/pools?after=${encoded}`, status: 400, field: "/after" },
  ];
}

/** Names that are well formed: they are only unknown, or another one's in another spelling. */
function unknownNameAttacks(): Attack[] {
  const names = [
    ["HELD", "Held", "held.", "held-", "-held", "A", "B", "NULL", "null", "undefined", "true", "0", "-1"],
    ["1e3"],
    ["...", "a..b", ":", "-", "_", "--", "a:b", "a--", "0x10", "x".repeat(127), "x".repeat(128), "system"],
    ["admin"],
  ].flat();
  return names.flatMap((name) => [
    { name: `no reservation ${shown(name)}`, method: "GET", path: `{pool}/reservations/${name}`, status: 404 },
    { name: `no agent ${shown(name)}`, method: "GET", path: `{pool}/agents/${name}`, status: 404 },
    { name: `no pool ${shown(name)}`, method: "GET", path: `/v1/pools/${name}/report`, status: 404 },
    reserveFor(`{"agent":"${name}","tokens":5}`, { name: `no agent ${shown(name)} to reserve for`, status: 404 }),
  ]);
}

function pathAttacks(): Attack[] {
  const unrouted = [
    ["/", "/v1", "/v1/", "/v2/pools", "/V1/pools", "/v1/Pools", "/v1/pools/", "//v1/pools", "/v1//pools"],
    ["/v1/pools//"],
    ["{pool}/", "{pool}//report", "{pool}/report/", "{pool}/REPORT", "{pool}/report.json", "{pool}/report%20"],
    ["{pool}/report;a=b", "{pool}/report%00", "{pool}/report%2F", "{pool}/report%3Fx", "{pool}/report%23"],
    ["{pool}/agents", "{pool}/agents/", "{pool}/agents/a/", "{pool}/agents/a/ledger", "{pool}/agents/..%2fa"],
    ["{pool}/reservations/", "{pool}/reservations/held/", "{pool}/reservations/held/commit/"],
    ["{pool}/agents/..", "{pool}/agents/.", "{pool}/agents/%2e%2e", "{pool}/agents/%2E"],
    ["{pool}/reservations/.%2e"],
    ["{pool}/reservations/../../..", "{pool}/../../../etc/passwd", "/v1/pools/../../", "/.env"],
    ["/.git/config"],
    ["/admin", "/internal", "/cdn-cgi/x", "/favicon.ico", "/robots.txt", "/index.html", "/healthz/"],
    ["/HEALTHZ"],
    ["/v1/pools:pool", "/v1%2Fpools", "/%76%31/pools%2f", "/v1/pools/a/b/c/d/e/f/g/h"],
    [`/${"a/".repeat(2_000)}`],
  ].flat();
  const malformed = [
    ["%", "%2", "%zz", "%u0061", "%ff", "%fe%ff", "%c0%af", "%ed%a0%80", "%f4%90%80%80", "%252e%252e"],
    ["%2500"],
    ["%2F", "%5c", "..%2F", "..%5c..", "%0d%0ax-evil:%201", "%00", "a%00", "%20", "%7f", "x".repeat(100_000)],
  ].flat();
  return [
    ...unrouted.map((path) => {
      const status = path.includes("%2fa") ? 400 : 404;
      return { name: `GET ${shown(path)}`, method: "GET", path, status };
    }),
    ...malformed.flatMap((part) => [
      { name: `agent ${shown(part)}`, method: "GET", path: `{pool}/agents/${part}`, status: 400, field: "agent" },
      {
        name: `reservation ${shown(part)}`,
        method: "GET",
        path: `{pool}/reservations/${part}`,
        status: 400,
        field: "id",
      },
      { name: `pool ${shown(part)}`, method: "DELETE", path: `/v1/pools/${part}`, status: 400, field: "pool" },
    ]),
  ];
}

// --- media ---

function mediaAttacks(): Attack[] {
  const withType = (type: string, status: number): Attack =>
    reserveFor(encoder.encode(nobody), {
      name: `content-type ${shown(type)}`,
      headers: [["content-type", type]],
      status,
    });
  const withEncoding = (encoding: string, status: number): Attack =>
    reserveFor(encoder.encode(nobody), {
      name: `content-encoding ${encoding}`,
      headers: [
        ["content-type", "application/json"],
        ["content-encoding", encoding],
      ],
      status,
    });
  const refused = [
    ["", "text/plain", "text/html", "text/json", "application/xml", "application/x-www-form-urlencoded"],
    ["json"],
    ["multipart/form-data; boundary=x", "application/jsonp", "application/json5", "application/ndjson", "*/*"],
    ["application/problem+json", "application/vnd.api+json", "application/ld+json", "application/", "/json"],
    ["application//json", "application json", "application/json, text/plain", "text/plain, application/json"],
    ["application/json, application/json", '"application/json"', "application/json/", "application/json+x"],
    ["; charset=utf-8"],
    ["application/octet-stream", "application/graphql", "application/msgpack"],
    [`application/${"x".repeat(8_000)}`],
  ].flat();
  const taken = [
    ["application/json", "APPLICATION/JSON", "application/json;charset=utf-8"],
    ["application/json; charset=UTF-8"],
    ['application/json ; charset="utf-8"', "application/json;", "application/json; charset=utf-16"],
    ["application/json; q=1"],
  ].flat();
  const encodings = ["gzip", "br", "deflate", "zstd", "compress", "x-gzip", "GZIP", "gzip, identity", "identity, gzip"];
  return [
    ...refused.map((type) => withType(type, 415)),
    ...taken.map((type) => withType(type, 404)),
    ...[...encodings, "*", "chunked", "aes128gcm", "identity, identity"].map((encoding) => withEncoding(encoding, 415)),
    withEncoding("identity", 404),
  ];
}

function byteAttacks(): Attack[] {
  const utf16 = (text: string, little: boolean): Uint8Array =>
    Uint8Array.from([...encoder.encode(text)].flatMap((byte) => (little ? [byte, 0] : [0, byte])));
  const inText = (...bytes: number[]): Uint8Array =>
    Uint8Array.from([...encoder.encode('{"agent":"'), ...bytes, ...encoder.encode('","tokens":5}')]);
  const binary: readonly (readonly [name: string, bytes: Uint8Array])[] = [
    ["UTF-16, little end first", utf16(nobody, true)],
    ["UTF-16, big end first", utf16(nobody, false)],
    ["UTF-16 with its mark", Uint8Array.from([0xff, 0xfe, ...utf16(nobody, true)])],
    ["UTF-8 with a byte order mark", Uint8Array.from([0xef, 0xbb, 0xbf, ...encoder.encode(nobody)])],
    ["a byte that is never UTF-8", inText(0xff)],
    ["Latin-1", inText(0xe9)],
    ["an overlong NUL", inText(0xc0, 0x80)],
    ["an overlong slash", inText(0xe0, 0x80, 0xaf)],
    ["an encoded surrogate", inText(0xed, 0xa0, 0x80)],
    ["a point beyond the last", inText(0xf4, 0x90, 0x80, 0x80)],
    ["half a character", inText(0xe2, 0x82)],
    ["half a character at the end", Uint8Array.from([...encoder.encode(nobody), 0xf0, 0x9f])],
    ["a raw NUL", inText(0)],
    ["a raw newline in text", inText(0x0a)],
    ["a NUL at the end", Uint8Array.from([...encoder.encode(nobody), 0])],
    ["gzip under a false name", Uint8Array.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 0xab, 0x56, 0x4a])],
  ];
  const texts = [
    ["{", "}", "[", '"', "'", "null null", "{}{}", "{}\n{}", "{},", ",{}", "[1,]", '{"a":1,}', "{a:1}"],
    ["{'a':1}"],
    ["//x\n{}", "/*x*/{}", "{}//x", "#x\n{}", ")]}'\n{}", "<xml/>", "agent=a&tokens=5", "agent: a\ntokens: 5"],
    ["---"],
    ['{"agent" "a"}', '{"agent"::"a"}', '{"agent":"a" "tokens":5}', '{"agent":"\\x61"}'],
    ['{"agent":"\\u00g0"}'],
    ['{"agent":"\\', '{"agent":"\\u00', "tru", "nul", "\u00a0{}", "{}\u2028", "\ufeff{}", "\u0000"],
    ["undefined"],
  ].flat();
  return [
    ...binary.map(([name, body]) => reserveFor(body, { name, status: 400, field: "" })),
    ...texts.map((body) => reserveFor(body, { name: `no JSON: ${shown(body)}`, status: 400, field: "" })),
  ];
}

// --- sizes ---

/** A good request with spaces up to this many bytes. */
export function padded(body: string, bytes: number): string {
  return body + " ".repeat(bytes - encoder.encode(body).byteLength);
}

/** A body that comes in pieces, without its length being said. */
export function streamed(body: string, piece: number): ReadableStream<Uint8Array> {
  const bytes = encoder.encode(body);
  let offset = 0;
  return new ReadableStream({
    pull(controller) {
      if (offset >= bytes.byteLength) return controller.close();
      controller.enqueue(bytes.slice(offset, offset + piece));
      offset += piece;
    },
  });
}

function endless(piece: string): ReadableStream<Uint8Array> {
  return new ReadableStream({ pull: (controller) => controller.enqueue(encoder.encode(piece)) });
}

function sizeAttacks(): Attack[] {
  const limit = limits.bodyBytes;
  const json: [string, string] = ["content-type", "application/json"];
  const sizes = [limit - 1, limit, limit + 1, limit + 2, 70_000, 2 * limit, 1_000_000];
  const status = (bytes: number): number => (bytes <= limit ? 404 : 413);
  const wide = `{"agent":"nobody","tokens":5,"metadata":{"k":"${"\u20ac".repeat(21_900)}"}}`;
  return [
    ...sizes.map((bytes) =>
      reserveFor(padded(nobody, bytes), { name: `${bytes} bytes`, headers: [json], status: status(bytes) }),
    ),
    ...sizes.flatMap((bytes) =>
      [1_000, limit, 2 * limit].map((piece) =>
        reserveFor(() => streamed(padded(nobody, bytes), piece), {
          name: `${bytes} bytes in pieces of ${piece}`,
          headers: [json],
          status: status(bytes),
        }),
      ),
    ),
    reserveFor(wide, { name: "fewer characters than the limit, but more bytes", status: 413 }),
    reserveFor(() => streamed(nobody, 1), { name: "one byte at a time", headers: [json], status: 404 }),
    reserveFor(() => streamed("", 1), {
      name: "a stream without anything in it",
      headers: [json],
      status: 400,
      field: "/agent",
    }),
    reserveFor(() => endless(" ".repeat(1_000)), { name: "a body without end", headers: [json], status: 413 }),
    reserveFor(() => endless("["), { name: "brackets without end", headers: [json], status: 413 }),
    reserveFor("", { name: "nothing", status: 400, field: "/agent" }),
    reserveFor(" ", { name: "a space", status: 400, field: "" }),
    ...["70000", "1e9", "99999999999999999999", "Infinity", "0x20000"].map((length) =>
      reserveFor(nobody, { name: `a content-length of ${length}`, headers: [["content-length", length]], status: 413 }),
    ),
    ...["-1", "NaN", "abc", "0", "1", "5, 5", "5;q=1", "+29", "1e1"].map((length) =>
      reserveFor(nobody, { name: `a content-length of ${length}`, headers: [["content-length", length]], status: 404 }),
    ),
    ...["0", "10", "abc", "-1"].map((length) =>
      reserveFor(padded(nobody, 70_000), {
        name: `70,000 bytes under a content-length of ${length}`,
        headers: [["content-length", length]],
        status: 413,
      }),
    ),
    ...["release", "extend", "commit"].map((verb) => ({
      name: `${verb} with too large a body`,
      method: "POST",
      path: `{pool}/reservations/held/${verb}`,
      body: padded("{}", limit + 1),
      status: 413,
    })),
  ];
}

// --- headers, keys, queries, methods ---

function headerAttacks(): Attack[] {
  const lines: readonly (readonly [string, string])[] = [
    ...["x-http-method-override", "x-http-method", "x-method-override", "_method"].map(
      (name) => [name, "DELETE"] as const,
    ),
    ...["x-original-url", "x-rewrite-url", "x-forwarded-path", "x-forwarded-uri"].map(
      (name) => [name, "/healthz"] as const,
    ),
    ...["x-forwarded-host", "host", "x-host", "forwarded", "x-forwarded-server"].map(
      (name) => [name, "evil.example#@bursar.test"] as const,
    ),
    ["x-forwarded-for", "127.0.0.1"],
    ["x-forwarded-proto", "http"],
    ["x-real-ip", "127.0.0.1"],
    ["origin", "https://evil.example"],
    ["referer", "https://evil.example/"],
    ["cookie", "session=evil"],
    ["x-request-id", "evil-request-id"],
    ["traceparent", "00-evil-evil-01"],
    ["range", "bytes=0-0"],
    ["if-none-match", "*"],
    ["if-match", '"evil"'],
    ["if-modified-since", "Thu, 01 Jan 2099 00:00:00 GMT"],
    ["accept", "text/html"],
    ["accept", "application/xml;q=1, */*;q=0"],
    ["accept-encoding", "evil"],
    ["accept-language", "../../etc/passwd"],
    ["access-control-request-method", "DELETE"],
    ["connection", "keep-alive, x-evil"],
    ["upgrade", "h2c"],
    ["te", "trailers"],
    ["expect", "100-continue"],
    ["via", "1.1 evil"],
    ["prefer", "return=minimal"],
    ["x-padding", "p".repeat(8_192)],
    ["x-padding", "\u00e9\u00ff"],
    ["x-evil", "' OR 1=1 --"],
    ["constructor", "evil"],
    ["__proto__", "evil"],
  ];
  const crowd: [string, string][] = Array.from({ length: 100 }, (_, i) => [`x-h-${i}`, "v".repeat(50)]);
  return [
    ...lines.flatMap(([name, value]): Attack[] => [
      {
        name: `GET with ${name}: ${shown(value)}`,
        method: "GET",
        path: "{pool}/reservations/nothing",
        headers: [[name, value]],
        // The Host header alone is held to be what it says: the URL is made of it.
        status: name === "host" ? 400 : 404,
      },
      reserveFor(nobody, {
        name: `POST with ${name}: ${shown(value)}`,
        headers: [[name, value]],
        status: name === "host" ? 400 : 404,
      }),
    ]),
    reserveFor(nobody, { name: "a hundred headers", headers: crowd, status: 404 }),
  ];
}

function idempotencyKeyAttacks(): Attack[] {
  const keys = [
    ["", '""', '"', '"a', 'a"', '"a"b"', '""a""', "a b", '"a b"', "a,b", "a;b", "'a'", "a/b", "..\\a"],
    ["\u00e9", "a\tb"],
    ["x".repeat(129), `"${"x".repeat(129)}"`, "x".repeat(8_192), "' OR 1=1", "<a>", "a=b", "{}", "%61"],
    ["a, a", "*"],
  ].flat();
  const paths = bodies.filter(([, path]) => /funds|reopen|reset|reservations$|usage|reallocations/.test(path));
  const field = "Idempotency-Key";
  return [
    ...keys.flatMap((key) =>
      paths.map(([method, path, fields]) => {
        const body = path.endsWith("reopen") || path.endsWith("reset") ? "{}" : `{${fields}}`;
        const headers: [string, string][] = [["idempotency-key", key]];
        return { name: `${path} with the key ${shown(key)}`, method, path, body, headers, status: 400, field };
      }),
    ),
    ...["b", "A", "a.", '"b"'].map((key) =>
      reserveFor('{"agent":"a","tokens":5,"id":"a"}', {
        name: `the id a under the key ${key}`,
        headers: [["idempotency-key", key]],
        status: 400,
        field: "/id",
      }),
    ),
    reserveFor('{"agent":"a","tokens":5}', {
      name: "two keys",
      headers: [
        ["idempotency-key", "k1"],
        ["idempotency-key", "k2"],
      ],
      status: 400,
      field,
    }),
  ];
}

function queryAttacks(): Attack[] {
  const numbersInText = [
    ["-1", "-0", "1.5", "1e3", "abc", "", "%00", "%31%00", "0x10", "%2B1", "+1", "1+1", "1,2", "[1]", "%EF%BC%91"],
    ["9007199254740992", "9007199254740993", "99999999999999999", "9".repeat(400), "NaN", "null"],
  ].flat();
  const get = (path: string, field: string): Attack => {
    return { name: `GET ${shown(path)}`, method: "GET", path, status: 400, field };
  };
  return [
    ...numbersInText.map((value) => get(`{pool}/journal?after=${value}`, "/after")),
    ...[...numbersInText, "1001", "1000000"].map((value) => get(`{pool}/journal?limit=${value}`, "/limit")),
    ...[...numbersInText, "1001"].map((value) => get(`/v1/pools?limit=${value}`, "/limit")),
    ...["", "a%20b", "'", "%00", "..%2F", "x".repeat(129)].map((value) => get(`/v1/pools?after=${value}`, "/after")),
    get("{pool}/journal?after=0&after=0", "after"),
    get("{pool}/journal?after=0&limit=1&after=5", "after"),
    get("{pool}/journal?%61fter=0&after=0", "after"),
    get("{pool}/journal?Limit=5", "/Limit"),
    get("{pool}/journal?limit[]=5", "/limit[]"),
    get("{pool}/journal?limit.x=5", "/limit.x"),
    get("{pool}/journal?offset=5", "/offset"),
    get("{pool}?x", "/x"),
    get("{pool}?=1", "/"),
    get("{pool}/report?agent=a", "/agent"),
    get("{pool}/agents/a?callback=alert", "/callback"),
    get("{pool}/audit?repair=true", "/repair"),
    get("{pool}/reservations/held?_method=DELETE", "/_method"),
    get(`{pool}?${Array.from({ length: 2_000 }, (_, i) => `k${i}=1`).join("&")}`, "/k0"),
    get(`{pool}?${"x".repeat(60_000)}=1`, `/${"x".repeat(64)}`),
    ...["", "TRUE", "True", "1", "yes", "true%20", "truefalse", "[true]", "null"].map((value) => ({
      name: `DELETE with force=${value}`,
      method: "DELETE",
      path: `{pool}?force=${value}`,
      status: 400,
      field: "/force",
    })),
    {
      name: "DELETE with two force",
      method: "DELETE",
      path: "{pool}?force=false&force=true",
      status: 400,
      field: "force",
    },
    { name: "DELETE with Force", method: "DELETE", path: "{pool}?Force=true", status: 400, field: "/Force" },
    { name: "DELETE with force and more", method: "DELETE", path: "{pool}?force=true&x=1", status: 400, field: "/x" },
    { name: "DELETE with open reservations", method: "DELETE", path: "{pool}?force=false", status: 409 },
    {
      name: "DELETE of an agent with force",
      method: "DELETE",
      path: "{pool}/agents/a?force=true",
      status: 400,
      field: "/force",
    },
    ...bodies.map(([method, path, fields]) => ({
      name: `${method} ${path} with a parameter`,
      method,
      path: `${path}?tokens=5`,
      body: `{${fields}}`,
      status: 400,
      field: "/tokens",
    })),
  ];
}

function methodAttacks(): Attack[] {
  const methods = [
    "GET",
    "HEAD",
    "PUT",
    "POST",
    "DELETE",
    "PATCH",
    "OPTIONS",
    "TRACE",
    "QUERY",
    "PROPFIND",
    "patch",
    "MKCOL",
  ];
  return [...new Set(routes.map(({ path }) => path))].flatMap((template) => {
    const taken: string[] = routes.filter(({ path }) => path === template).map(({ method }) => method);
    const path = template
      .replace("/v1/pools/:pool", "{pool}")
      .replace(":agent", "a")
      .replace(":id", "held")
      .replace(/:(tenant|key_id)/, "x");
    // A HEAD is a GET without the body, so it is taken wherever GET is.
    const others = methods.filter((method) => !taken.includes(method === "HEAD" ? "GET" : method));
    return others.map((method) => ({ name: `${method} ${path}`, method, path, status: 405, allow: taken.join(", ") }));
  });
}

export const corpus: Readonly<Record<string, readonly Attack[]>> = {
  numbers: numberAttacks(),
  "duplicate keys": duplicateKeyAttacks(),
  "confusable keys": confusableKeyAttacks(),
  "inherited names": prototypeAttacks(),
  depth: deepAttacks(),
  width: wideAttacks(),
  "odd names": nameAttacks(),
  "unknown names": unknownNameAttacks(),
  paths: pathAttacks(),
  "media types": mediaAttacks(),
  bytes: byteAttacks(),
  sizes: sizeAttacks(),
  headers: headerAttacks(),
  "idempotency keys": idempotencyKeyAttacks(),
  queries: queryAttacks(),
  methods: methodAttacks(),
};
