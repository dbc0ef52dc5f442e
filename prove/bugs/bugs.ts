/**
 * Bugs that somebody could make, each a change of one place, and the tests that should notice. `parts/bugs.ts` plants
 * one at a time in a copy of the tree; a bug that no test notices is a hole in the tests.
 */

export type Bug = {
  readonly name: string;
  readonly file: string;
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
    file: "src/engine/donors.ts",
    code: "priority < recipient.contract.priority;",
    becomes: "priority <= recipient.contract.priority;",
    tests: engine,
  },
  {
    name: "donors keep nothing in reserve",
    file: "src/engine/donors.ts",
    code: "return Math.max(0, available(agent) - keeps(agent));",
    becomes: "return Math.max(0, available(agent));",
    tests: engine,
  },
  {
    name: "a ceiling bounds nothing",
    file: "src/engine/donors.ts",
    code: "const wanted = Math.min(need, roomUnderCeiling(recipient, recipient.allocated));",
    becomes: "const wanted = need;",
    tests: engine,
  },
  {
    name: "an agent that is leaving gives what its open calls may need",
    file: "src/engine/donors.ts",
    code: "return agent !== recipient && !agent.closing && mayGiveFrom",
    becomes: "return agent !== recipient && mayGiveFrom",
    tests: engine,
  },
  {
    name: "of one priority the most used gives first",
    file: "src/engine/donors.ts",
    code: "if (used !== 0) return used < 0;",
    becomes: "if (used !== 0) return used > 0;",
    tests: engine,
  },
  {
    name: "the overage of one agent is promised to another",
    file: "src/engine/decisions/reservation.ts",
    code: "if (command.amount <= own && command.amount <= room) return command.amount;",
    becomes: "if (command.amount <= own) return command.amount;",
    tests: engine,
  },
  {
    name: "whoever asks for all is given a part",
    file: "src/engine/decisions/reservation.ts",
    code: "return most >= (command.at_least ?? command.amount) ? most : undefined;",
    becomes: "return most >= (command.at_least ?? 1) ? most : undefined;",
    tests: engine,
  },
  {
    name: "a lease can be extended for ever",
    file: "src/engine/decisions/reservation.ts",
    code: "const latest = reservation.at + limits.ttlMs;",
    becomes: "const latest = now + limits.ttlMs;",
    tests: engine,
  },
  {
    name: "a lease holds a millisecond too long",
    file: "src/engine/decisions/reservation.ts",
    code: "if (reservation === undefined || reservation.expiresAt > now) return undefined;",
    becomes: "if (reservation === undefined || reservation.expiresAt >= now) return undefined;",
    tests: engine,
  },
  {
    name: "a call that was never settled is free",
    file: "src/engine/decisions/reservation.ts",
    code: 'const charged = reservation.onExpiry === "charge" ? reservation.granted : 0;',
    becomes: "const charged = 0;",
    tests: engine,
  },
  {
    name: "the same commit with another confidence is a repeat",
    file: "src/engine/decisions/reservation.ts",
    code: "    settlement?.amount === command.amount &&\n    settlement.confidence === command.confidence\n",
    becomes: "    settlement?.amount === command.amount\n",
    tests: engine,
  },
  {
    name: "whoever is in debt already borrows for the debt again",
    file: "src/engine/decisions/reservation.ts",
    code: "const shortfall = amount - Math.max(0, available(agent));",
    becomes: "const shortfall = amount - available(agent);",
    tests: engine,
  },
  {
    name: "a settled hold stays in the pool's sum",
    file: "src/engine/evolve.ts",
    code: "  pool.held -= reservation.granted;\n",
    becomes: "",
    tests: engine,
  },
  {
    name: "what was committed late counts as unsettled for ever",
    file: "src/engine/evolve.ts",
    code: "    if (agent !== undefined) agent.unsettled--;\n  } else",
    becomes: "  } else",
    tests: engine,
  },
  {
    name: "a reset gives the agent its budget and the pool nothing",
    file: "src/engine/evolve.ts",
    code: "  pool.consumed -= agent.consumed;\n  agent.consumed = 0;",
    becomes: "  agent.consumed = 0;",
    tests: engine,
  },
  {
    name: "a humbler report opens the gate again",
    file: "src/engine/evolve.ts",
    code: "agent.confidence = Math.max(agent.confidence ?? 0, confidence);",
    becomes: "agent.confidence = confidence;",
    tests: engine,
  },
  {
    name: "what a sub-agent spent is forgotten when it leaves",
    file: "src/engine/evolve.ts",
    code: "    parent.consumed += agent.consumed;\n    parent.unsettled",
    becomes: "    parent.unsettled",
    tests: engine,
  },
  {
    name: "a capped rollover is not capped",
    file: "src/engine/decisions/period.ts",
    code: 'return refill.rollover === "capped" ? Math.min(unspent, refill.rollover_cap) : unspent;',
    becomes: "return unspent;",
    tests: engine,
  },
  {
    name: "the periods of an agent have one number",
    file: "src/engine/decisions/period.ts",
    code: "    number: period.number + 1,\n    ...bounds,\n    allocated",
    becomes: "    number: period.number,\n    ...bounds,\n    allocated",
    tests: engine,
  },
  {
    name: "a threshold is warned of at every commit",
    file: "src/engine/warnings.ts",
    code: "if (percent <= said) continue;",
    becomes: "if (percent < said) continue;",
    tests: engine,
  },
  {
    name: "outcomes are forgotten while they may be asked for again",
    file: "src/engine/remember.ts",
    code: "if (!tooMuch && settledAt(known) >= pool.at - limits.outcomesKeptMs) return;",
    becomes: "if (!tooMuch && settledAt(known) > pool.at) return;",
    tests: engine,
  },
  {
    name: "an answer is given before it is safe",
    file: "src/pool/live-pool.ts",
    code: "    this.#noteRefusals(commands, outcomes);\n    await this.#batch?.persisted;\n",
    becomes: "    this.#noteRefusals(commands, outcomes);\n",
    tests: pool,
  },
  {
    name: "what could not be stored stays in memory",
    file: "src/pool/live-pool.ts",
    code: "    this.#batch = undefined;\n    this.#forgetMemory();\n    this.#line.clear(error);",
    becomes: "    this.#batch = undefined;\n    this.#line.clear(error);",
    tests: pool,
  },
  {
    name: "an alarm that never ran is still waited for",
    file: "src/pool/live-pool.ts",
    code: "if (at !== null && at > this.#clock()) this.#alarmAt = at;",
    becomes: "if (at !== null) this.#alarmAt = at;",
    tests: pool,
  },
  {
    name: "a row's hash leaves out the one before",
    file: "src/archive/chain.ts",
    code: "`${previous}\\n${first_seq}\\n${last_seq}\\n${at}\\n${events}`",
    becomes: "`${previous.length}\\n${first_seq}\\n${last_seq}\\n${at}\\n${events}`",
    tests: "test/engine/verify.test.ts",
  },
  {
    name: "a key that nobody signed opens the door",
    file: "src/http/signature.ts",
    code: "const capability = signed ? decodeCapability(payload) : undefined;",
    becomes: "const capability = decodeCapability(payload);",
    tests: "test/http/keys.test.ts test/http/auth.test.ts",
  },
  {
    name: "a session outlives the key that opened it",
    file: "src/pool/sessions.ts",
    code: "    if (refusal === undefined) return false;\n    close(socket, closeCodes.unauthorized",
    becomes: '    if (refusal?.code !== "key_expired") return false;\n    close(socket, closeCodes.unauthorized',
    tests: "test/tenant/revocation.test.ts test/http/session.test.ts",
  },
  {
    name: "a revoked key is remembered until the object sleeps",
    file: "src/pool/revoked-keys.ts",
    code: "        const until = expires_at ?? Number.MAX_SAFE_INTEGER;",
    becomes: "        const until = expires_at ?? 0;",
    tests: "test/tenant test/http/keys.test.ts",
  },
  {
    name: "a cost is rounded down",
    file: "src/pricing/cost.ts",
    code: "return whole + Math.ceil(rest / million);",
    becomes: "return whole + Math.floor(rest / million);",
    tests: "test/pricing",
  },
  {
    name: "a long prompt's rates begin one token early",
    file: "src/pricing/cost.ts",
    code: "input > above",
    becomes: "input >= above",
    tests: "test/pricing",
  },
  {
    name: "cached tokens are paid twice",
    file: "src/pricing/cost.ts",
    code: "const plain = Math.max(0, usage.input - cacheRead - cacheWrite);",
    becomes: "const plain = usage.input;",
    tests: "test/pricing",
  },
  {
    name: "a webhook may be sent to any port",
    file: "src/webhooks/address.ts",
    code: '  if (!ports.includes(url.port)) return "must be on port 443 or 8443";\n',
    becomes: "",
    tests: "test/webhooks/address.test.ts",
  },
  {
    name: "a stream that never reports is free",
    file: "src/gateway/settlement.ts",
    code: "const held = whole > 2 * granted ? whole : Math.min(whole, granted);",
    becomes: "const held = 0;",
    tests: "test/gateway/endings.test.ts",
  },
  {
    name: "what waits behind an overloaded object is asked again",
    file: "src/http/reach.ts",
    code: 'if (isOverloaded(error)) throw new ApiError("overloaded", "The pool gets more requests than it can take.");',
    becomes: "",
    tests: "test/http/reach.test.ts",
  },
];
