/**
 * Bugs that somebody could make, each a change of one place, and the tests that should notice. `parts/bugs.ts` plants
 * one at a time in a copy of the tree; a bug that no test notices is a hole in the tests.
 */

export type Bug = {
  readonly name: string;
  /** The function or method that it is in, in whatever file of `src` that is. */
  readonly within: string;
  /** Stands there once; `becomes` takes its place. */
  readonly code: string;
  readonly becomes: string;
  /** Where it should be noticed; if it isn't, all tests are asked. */
  readonly tests: string;
};

const engine = "test/engine";
const pool = "test/pool";

export const bugs: readonly Bug[] = [
  {
    name: "equal priorities donate, whatever the pool says",
    within: "mayGiveFrom",
    code: "priority < recipient.contract.priority;",
    becomes: "priority <= recipient.contract.priority;",
    tests: engine,
  },
  {
    name: "donors keep nothing in reserve",
    within: "couldGive",
    code: "return Math.max(0, available(agent) - keeps(agent));",
    becomes: "return Math.max(0, available(agent));",
    tests: engine,
  },
  {
    name: "a ceiling bounds nothing",
    within: "plan",
    code: "const wanted = Math.min(need, roomUnderCeiling(recipient, recipient.allocated));",
    becomes: "const wanted = need;",
    tests: engine,
  },
  {
    name: "an agent that is leaving gives what its open calls may need",
    within: "mayGive",
    code: "return agent !== recipient && !agent.closing && mayGiveFrom",
    becomes: "return agent !== recipient && mayGiveFrom",
    tests: engine,
  },
  {
    name: "of one priority the most used gives first",
    within: "asksFirst",
    code: "if (used !== 0) return used < 0;",
    becomes: "if (used !== 0) return used > 0;",
    tests: engine,
  },
  {
    name: "the overage of one agent is promised to another",
    within: "grantable",
    code: "if (command.amount <= own && command.amount <= room) return command.amount;",
    becomes: "if (command.amount <= own) return command.amount;",
    tests: engine,
  },
  {
    name: "whoever asks for all is given a part",
    within: "grantable",
    code: "return most >= (command.at_least ?? command.amount) ? most : undefined;",
    becomes: "return most >= (command.at_least ?? 1) ? most : undefined;",
    tests: engine,
  },
  {
    name: "a lease can be extended for ever",
    within: "decideExtend",
    code: "const latest = reservation.at + limits.ttlMs;",
    becomes: "const latest = now + limits.ttlMs;",
    tests: engine,
  },
  {
    name: "a lease holds a millisecond too long",
    within: "expireNext",
    code: "if (reservation === undefined || reservation.expiresAt > now) return undefined;",
    becomes: "if (reservation === undefined || reservation.expiresAt >= now) return undefined;",
    tests: engine,
  },
  {
    name: "a call that was never settled is free",
    within: "expireNext",
    code: 'const charged = reservation.onExpiry === "charge" ? reservation.granted : 0;',
    becomes: "const charged = 0;",
    tests: engine,
  },
  {
    name: "the same commit with another confidence is a repeat",
    within: "isSameCommit",
    code: "    settlement?.amount === command.amount &&\n    settlement.confidence === command.confidence\n",
    becomes: "    settlement?.amount === command.amount\n",
    tests: engine,
  },
  {
    name: "whoever is in debt already borrows for the debt again",
    within: "cover",
    code: "const shortfall = amount - Math.max(0, available(agent));",
    becomes: "const shortfall = amount - available(agent);",
    tests: engine,
  },
  {
    name: "a settled hold stays in the pool's sum",
    within: "endHold",
    code: "  pool.held -= reservation.granted;\n",
    becomes: "",
    tests: engine,
  },
  {
    name: "what was committed late counts as unsettled for ever",
    within: "committed",
    code: "    if (agent !== undefined) agent.unsettled--;\n  } else",
    becomes: "  } else",
    tests: engine,
  },
  {
    name: "a reset gives the agent its budget and the pool nothing",
    within: "reset",
    code: "  pool.consumed -= agent.consumed;\n  agent.consumed = 0;",
    becomes: "  agent.consumed = 0;",
    tests: engine,
  },
  {
    name: "a humbler report opens the gate again",
    within: "reportConfidence",
    code: "agent.confidence = Math.max(agent.confidence ?? 0, confidence);",
    becomes: "agent.confidence = confidence;",
    tests: engine,
  },
  {
    name: "what a sub-agent spent is forgotten when it leaves",
    within: "closed",
    code: "    parent.consumed += agent.consumed;\n    parent.unsettled",
    becomes: "    parent.unsettled",
    tests: engine,
  },
  {
    name: "a capped rollover is not capped",
    within: "rolledOver",
    code: 'return refill.rollover === "capped" ? Math.min(unspent, refill.rollover_cap) : unspent;',
    becomes: "return unspent;",
    tests: engine,
  },
  {
    name: "the periods of an agent have one number",
    within: "agentStarted",
    code: "    number: period.number + 1,\n    ...bounds,\n    allocated",
    becomes: "    number: period.number,\n    ...bounds,\n    allocated",
    tests: engine,
  },
  {
    name: "a threshold is warned of at every commit",
    within: "thresholds",
    code: "if (percent <= said) continue;",
    becomes: "if (percent < said) continue;",
    tests: engine,
  },
  {
    name: "outcomes are forgotten while they may be asked for again",
    within: "forgetOutcomes",
    code: "if (!tooMuch && settledAt(known) >= pool.at - limits.outcomesKeptMs) return;",
    becomes: "if (!tooMuch && settledAt(known) > pool.at) return;",
    tests: engine,
  },
  {
    name: "an answer is given before it is safe",
    within: "execute",
    code: "    this.#noteRefusals(commands, outcomes);\n    await this.#commit.persisted();\n",
    becomes: "    this.#noteRefusals(commands, outcomes);\n",
    tests: pool,
  },
  {
    name: "what could not be stored stays in memory",
    within: "constructor",
    code: "        this.#forgetMemory();\n        this.#line.fail(error);",
    becomes: "        this.#line.fail(error);",
    tests: pool,
  },
  {
    name: "an alarm that never ran is still waited for",
    within: "isAt",
    code: "if (at !== null && at > now) this.#at = at;",
    becomes: "if (at !== null) this.#at = at;",
    tests: pool,
  },
  {
    name: "a row's hash leaves out the one before",
    within: "hashOf",
    code: "`${previous}\\n${first_seq}\\n${last_seq}\\n${at}\\n${events}`",
    becomes: "`${previous.length}\\n${first_seq}\\n${last_seq}\\n${at}\\n${events}`",
    tests: "test/engine/verify.test.ts",
  },
  {
    name: "a key that nobody signed opens the door",
    within: "verifyKey",
    code: "const capability = signed ? decodeCapability(payload) : undefined;",
    becomes: "const capability = decodeCapability(payload);",
    tests: "test/http/keys.test.ts test/http/auth.test.ts",
  },
  {
    name: "a session outlives the key that opened it",
    within: "#isOver",
    code: "    if (refusal === undefined) return false;\n    close(socket, closeCodes.unauthorized",
    becomes: '    if (refusal?.code !== "key_expired") return false;\n    close(socket, closeCodes.unauthorized',
    tests: "test/tenant/revocation.test.ts test/http/session.test.ts",
  },
  {
    name: "a revoked key is remembered until the object sleeps",
    within: "add",
    code: "        const until = expires_at ?? Number.MAX_SAFE_INTEGER;",
    becomes: "        const until = expires_at ?? 0;",
    tests: "test/tenant test/http/keys.test.ts",
  },
  {
    name: "a cost is rounded down",
    within: "sumUp",
    code: "return whole + Math.ceil(rest / million);",
    becomes: "return whole + Math.floor(rest / million);",
    tests: "test/pricing",
  },
  {
    name: "a long prompt's rates begin one token early",
    within: "ratesAt",
    code: "input > above",
    becomes: "input >= above",
    tests: "test/pricing",
  },
  {
    name: "cached tokens are paid twice",
    within: "costOf",
    code: "const plain = Math.max(0, usage.input - cacheRead - cacheWrite);",
    becomes: "const plain = usage.input;",
    tests: "test/pricing",
  },
  {
    name: "a webhook may be sent to any port",
    within: "validateWebhookUrl",
    code: '  if (!ports.includes(url.port)) return "must be on port 443 or 8443";\n',
    becomes: "",
    tests: "test/webhooks/address.test.ts",
  },
  {
    name: "a stream that never reports is free",
    within: "amountOf",
    code: "const held = whole > 2 * granted ? whole : Math.min(whole, granted);",
    becomes: "const held = 0;",
    tests: "test/gateway/endings.test.ts",
  },
  {
    name: "what waits behind an overloaded object is asked again",
    within: "isTransient",
    code: "if (isOverloaded(error) || isSpendingStopped(error) || isNotPersisted(error)) return false;",
    becomes: "if (isSpendingStopped(error) || isNotPersisted(error)) return false;",
    tests: "test/http/retry.test.ts",
  },
];
