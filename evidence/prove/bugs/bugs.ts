/**
 * Bugs that a developer could make, each a change of one place, and the tests that should notice. `parts/bugs.ts` plants
 * one at a time in a copy of the tree; a bug that no test notices is a hole in the tests.
 */
import type { Place } from "./place.ts";

export type Bug = Place & {
  readonly name: string;
  /** Where it should be noticed; if it isn't, all tests are asked. */
  readonly tests: string;
};

const engine = "test/engine";
const pool = "test/pool";

export const bugs: readonly Bug[] = [
  {
    name: "equal priorities donate, whatever the pool says",
    within: "mayGiveFrom",
    pattern: /\bpriority < /,
    becomes: "priority <= ",
    tests: engine,
  },
  {
    name: "donors keep nothing in reserve",
    within: "couldGive",
    pattern: / - keeps\(\w+\)/,
    becomes: "",
    tests: engine,
  },
  {
    name: "a ceiling bounds nothing",
    within: "plan",
    pattern: /Math\.min\(need, .*\);/,
    becomes: "need;",
    tests: engine,
  },
  {
    name: "an agent that is leaving gives what its open calls may need",
    within: "mayGive",
    pattern: / && !\w+\.closing/,
    becomes: "",
    tests: engine,
  },
  {
    name: "of one priority the most used gives first",
    within: "asksFirst",
    pattern: /return used < 0/,
    becomes: "return used > 0",
    tests: engine,
  },
  {
    name: "the overage of one agent is promised to another",
    within: "grantable",
    pattern: / && command\.amount <= room/,
    becomes: "",
    tests: engine,
  },
  {
    name: "whoever asks for all is given a part",
    within: "grantable",
    pattern: /command\.at_least \?\? command\.amount/,
    becomes: "command.at_least ?? 1",
    tests: engine,
  },
  {
    name: "a lease can be extended for ever",
    within: "decideExtend",
    pattern: /\w+\.at \+ limits/,
    becomes: "now + limits",
    tests: engine,
  },
  {
    name: "a lease holds a millisecond too long",
    within: "expireNext",
    pattern: /expiresAt > now/,
    becomes: "expiresAt >= now",
    tests: engine,
  },
  {
    name: "a call that was never settled is free",
    within: "expireNext",
    pattern: /\w+\.onExpiry === "charge" \? .* : 0/,
    becomes: "0",
    tests: engine,
  },
  {
    name: "the same commit with another confidence is a repeat",
    within: "isSameCommit",
    pattern: / &&\s+settlement\.confidence === .*/,
    becomes: "",
    tests: engine,
  },
  {
    name: "whoever is in debt already borrows for the debt again",
    within: "cover",
    pattern: /Math\.max\(0, (available\(\w+\))\)/,
    becomes: "$1",
    tests: engine,
  },
  {
    name: "a settled hold stays in the pool's sum",
    within: "endHold",
    pattern: /\n *pool\.held -= .*/,
    becomes: "",
    tests: engine,
  },
  {
    name: "what was committed late counts as unsettled for ever",
    within: "committed",
    pattern: /\n *.*\bagent\.unsettled--;/,
    becomes: "",
    tests: engine,
  },
  {
    name: "a reset gives the agent its budget and the pool nothing",
    within: "reset",
    pattern: /\n *pool\.consumed -= .*/,
    becomes: "",
    tests: engine,
  },
  {
    name: "a humbler report opens the gate again",
    within: "reportConfidence",
    pattern: /Math\.max\(.*, confidence\)/,
    becomes: "confidence",
    tests: engine,
  },
  {
    name: "what a sub-agent spent is forgotten when it leaves",
    within: "closed",
    pattern: /\n *parent\.consumed \+= .*/,
    becomes: "",
    tests: engine,
  },
  {
    name: "a capped rollover is not capped",
    within: "rolledOver",
    pattern: /Math\.min\((\w+), .*?\)/,
    becomes: "$1",
    tests: engine,
  },
  {
    name: "the periods of an agent have one number",
    within: "agentStarted",
    pattern: /\bnumber: period\.number \+ 1/,
    becomes: "number: period.number",
    tests: engine,
  },
  {
    name: "a threshold is warned of at every commit",
    within: "thresholds",
    pattern: /percent <= said/,
    becomes: "percent < said",
    tests: engine,
  },
  {
    name: "outcomes are forgotten while they may be asked for again",
    within: "forgetOutcomes",
    pattern: />= pool\.at - limits\.outcomesKeptMs/,
    becomes: "> pool.at",
    tests: engine,
  },
  {
    name: "an answer is given before it is safe",
    within: "execute",
    pattern: /\n *await this\.#commit\.persisted\(\);/,
    becomes: "",
    tests: pool,
  },
  {
    name: "what could not be stored stays in memory",
    within: "constructor",
    pattern: /\n *this\.#forgetMemory\(\);/,
    becomes: "",
    tests: pool,
  },
  {
    name: "an alarm that never ran is still waited for",
    within: "isAt",
    pattern: / && at > now/,
    becomes: "",
    tests: pool,
  },
  {
    name: "a row's hash leaves out the one before",
    within: "hashOf",
    pattern: /\$\{previous\}/,
    becomes: "$${previous.length}",
    tests: "test/engine/verify.test.ts",
  },
  {
    name: "a key that nobody signed opens the door",
    within: "verifyKey",
    pattern: /\bsigned \? (decodeCapability\(\w+\)) : undefined/,
    becomes: "$1",
    tests: "test/http/keys.test.ts test/http/auth.test.ts",
  },
  {
    name: "a session outlives the key that opened it",
    within: "#closeIfRefused",
    pattern: /refusal === undefined/,
    becomes: 'refusal?.code !== "key_expired"',
    tests: "test/tenant/revocation.test.ts test/http/session.test.ts",
  },
  {
    name: "a revoked key is remembered until the object sleeps",
    within: "add",
    pattern: /expires_at \?\? Number\.MAX_SAFE_INTEGER/,
    becomes: "expires_at ?? 0",
    tests: "test/tenant test/http/keys.test.ts",
  },
  {
    name: "a cost is rounded down",
    within: "sumUp",
    pattern: /Math\.ceil/,
    becomes: "Math.floor",
    tests: "test/pricing",
  },
  {
    name: "a long prompt's rates begin one token early",
    within: "ratesAt",
    pattern: /input > above/,
    becomes: "input >= above",
    tests: "test/pricing",
  },
  {
    name: "cached tokens are paid twice",
    within: "costOf",
    pattern: /Math\.max\(0, (usage\.input) - .*\)/,
    becomes: "$1",
    tests: "test/pricing",
  },
  {
    name: "a webhook may be sent to any port",
    within: "validateWebhookUrl",
    pattern: /\n *if \(!ports\.includes.*/,
    becomes: "",
    tests: "test/webhooks/address.test.ts",
  },
  {
    name: "a stream that never reports is free",
    within: "estimated",
    pattern: /\bheld = .*;/,
    becomes: "held = 0;",
    tests: "test/gateway/endings.test.ts",
  },
  {
    name: "what waits behind an overloaded object is asked again",
    within: "isTransient",
    pattern: /isOverloaded\(error\) \|\| /,
    becomes: "",
    tests: "test/http/retry.test.ts",
  },
];
