/** An agent of a pool: to spend as, to hand a part of its budget down, to manage. */
import type { AgentChangeResult, AgentDetail, AgentResult, CloseResult, PauseResult } from "../protocol/agent.ts";
import type { UsageResult } from "../protocol/usage.ts";
import { uuid7 } from "../protocol/uuid.ts";
import type { GovernOptions } from "./govern.ts";
import type { CommitOptions, Hold } from "./hold.ts";
import type { ContractOptions, ReserveOptions } from "./options.ts";
import type { CallOptions, Transport } from "./transport.ts";

type WriteOptions = CallOptions & { readonly id?: string };

/** What an agent needs of its pool. */
export type AgentsPool = {
  reserve(agent: string, amount: number, options?: ReserveOptions): Promise<Hold>;
  record(agent: string, amount: number, options?: CommitOptions & { readonly id?: string }): Promise<UsageResult>;
  govern<Args extends readonly unknown[], Result>(
    agent: string,
    call: (...args: Args) => Result | Promise<Result>,
    options?: GovernOptions<Args, Result>,
  ): (...args: Args) => Promise<Result>;
  register(agent: string, contract: ContractOptions, options?: CallOptions): Promise<AgentResult>;
  agent(name: string): Agent;
};

export class Agent {
  readonly name: string;
  readonly #pool: AgentsPool;
  readonly #transport: Transport;
  readonly #path: string;

  constructor(pool: AgentsPool, transport: Transport, path: string, name: string) {
    this.name = name;
    this.#pool = pool;
    this.#transport = transport;
    this.#path = path;
  }

  /** As `pool.reserve`, for this agent. */
  reserve(amount: number, options: ReserveOptions = {}): Promise<Hold> {
    return this.#pool.reserve(this.name, amount, options);
  }

  /** As `pool.record`, for this agent. */
  record(amount: number, options: CommitOptions & { readonly id?: string } = {}): Promise<UsageResult> {
    return this.#pool.record(this.name, amount, options);
  }

  /** As `pool.govern`, for this agent. */
  govern<Args extends readonly unknown[], Result>(
    call: (...args: Args) => Result | Promise<Result>,
    options: GovernOptions<Args, Result> = {},
  ): (...args: Args) => Promise<Result> {
    return this.#pool.govern(this.name, call, options);
  }

  /**
   * Hands a part of this agent's available budget to a sub-agent. At the end of its scope it is closed, and what it
   * did not spend returns.
   *
   * ```ts
   * await using sub = await pool.agent("planner").spawn("sub-1", { priority: 2, max_tokens: 5_000 });
   * await sub.govern(callTheModel)(prompt);
   * ```
   */
  async spawn(
    name: string,
    contract: Omit<ContractOptions, "parent">,
    options: CallOptions = {},
  ): Promise<Agent & AsyncDisposable> {
    await this.#pool.register(name, { ...contract, parent: this.name }, options);
    const sub = this.#pool.agent(name);
    return Object.assign(sub, {
      [Symbol.asyncDispose]: async (): Promise<void> => {
        await sub.close();
      },
    });
  }

  /** Its contract and ledger entry. */
  view(options: CallOptions = {}): Promise<AgentDetail> {
    return this.#transport.call("GET", this.#path, undefined, options);
  }

  /** No more work for it; it leaves when its reservations are settled, and its sub-agents with it. */
  close(options: CallOptions = {}): Promise<CloseResult> {
    return this.#transport.once("DELETE", this.#path, undefined, options);
  }

  /** Opens its confidence gate: a new task. */
  reopen({ id = uuid7(), ...options }: WriteOptions = {}): Promise<AgentChangeResult> {
    return this.#transport.call("POST", `${this.#path}/reopen`, { id }, options);
  }

  /** Stops it, and those below it, from reserving; what is open settles. */
  pause(options: CallOptions = {}): Promise<PauseResult> {
    return this.#transport.call("POST", `${this.#path}/pause`, {}, options);
  }

  /** Ends its pause. */
  resume(options: CallOptions = {}): Promise<PauseResult> {
    return this.#transport.call("POST", `${this.#path}/resume`, {}, options);
  }

  /** Starts it again: nothing consumed, its contract's allocation again. */
  reset({ id = uuid7(), ...options }: WriteOptions = {}): Promise<AgentChangeResult> {
    return this.#transport.call("POST", `${this.#path}/reset`, { id }, options);
  }
}
