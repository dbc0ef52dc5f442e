/** Manage: agents, budget and keys, for an admin. */
import { useSignal } from "@preact/signals";
import { type Agent, gateOf } from "../../../src/engine/state.ts";
import type { Contract } from "../../../src/protocol/agent.ts";
import type { KeyView } from "../../../src/protocol/key.ts";
import type { Unit } from "../../../src/protocol/unit.ts";
import { amount } from "../format.ts";
import { access } from "../model/access.ts";
import type { PoolFeed } from "../model/pool-feed.ts";
import { Act, client, Field, number, text } from "./acts.tsx";

/** Agents that are listed at once; more are found by name. */
const agentsMost = 100;

export function ManageTab({ live }: { readonly live: PoolFeed }) {
  // Read, so that it follows the pool.
  const all = live.slowVersion.value >= 0 ? [...live.state.agents.values()] : [];
  const sought = useSignal("");
  const found = all.filter(({ name }) => name.includes(sought.value));
  const agents = found.slice(0, agentsMost);
  return (
    <>
      <section class="card" aria-labelledby="manage">
        <div class="title">
          <h2 id="manage">Agents and budget</h2>
          <PoolActs live={live} />
        </div>
        {all.length > agentsMost ? (
          <p>
            <input
              type="search"
              placeholder="agent"
              aria-label="Agent"
              value={sought.value}
              onInput={(change) => {
                sought.value = change.currentTarget.value;
              }}
            />{" "}
            <span class="note">
              {agents.length} of {found.length.toLocaleString("en-US")}
            </span>
          </p>
        ) : null}
        <ul class="manage">
          {agents.map((agent) => (
            <AgentLine key={agent.name} agent={agent} live={live} />
          ))}
        </ul>
      </section>
      <Keys />
    </>
  );
}

/** Actions on the pool as a whole. */
function PoolActs({ live }: { readonly live: PoolFeed }) {
  const { unit, remote } = live;
  return (
    <>
      <Act
        label="Fund"
        question={`Adds to the pool's unallocated budget; below zero, takes out of it. In ${unit}.`}
        act={(form, id) => client().pool(live.name, { unit }).fund(number(form, "amount"), { id })}
      >
        <Field name="amount" label="Amount" type="number" />
      </Act>
      <Act
        label="New period"
        isGrave
        question="The budget is refilled and nothing is consumed. Open reservations stay open."
        act={(_, id) => remote.resetPeriod({ id })}
      />
      {live.state.paused ? (
        <Act label="Resume pool" question="Agents may reserve again." act={() => remote.resume()} />
      ) : (
        <Act
          label="Pause pool"
          isGrave
          question="No agent can reserve until the pool is resumed. Open reservations still settle."
          act={() => remote.pause()}
        />
      )}
      <Act
        label="New agent"
        question="Its contract sets its priority and what it may spend."
        act={(form) => remote.register(text(form, "agent"), contractOf(form, unit))}
      >
        <Field name="agent" label="Name" />
        <ContractFields unit={unit} />
      </Act>
    </>
  );
}

/** The fields of a contract: of a new agent, or as they are of one that is there. */
function ContractFields({ unit, contract }: { readonly unit: Unit; readonly contract?: Contract }) {
  return (
    <>
      <Field name="priority" label="Priority, 0 to 1,000" type="number" value={contract?.priority ?? 1} />
      <Field name="max" label={`Budget, in ${unit}`} type="number" value={contract?.max ?? ""} />
      <Field
        name="min_reserve"
        label={contract === undefined ? "Min reserve (empty: a tenth)" : "Min reserve"}
        type="number"
        value={contract?.min_reserve ?? ""}
        required={false}
      />
      <Field
        name="confidence_threshold"
        label="Gate closes at (0 to 1, empty: never)"
        step="any"
        type="number"
        value={contract?.confidence_threshold ?? ""}
        required={false}
      />
    </>
  );
}

function contractOf(form: FormData, unit: Unit) {
  const threshold = text(form, "confidence_threshold");
  return {
    priority: number(form, "priority"),
    ...(unit === "tokens" ? { max_tokens: number(form, "max") } : { max_microusd: number(form, "max") }),
    ...(text(form, "min_reserve") === "" ? {} : { min_reserve: number(form, "min_reserve") }),
    // Emptied: the gate never closes.
    confidence_threshold: threshold === "" ? null : number(form, "confidence_threshold"),
  };
}

/** An agent, with the actions on it. */
function AgentLine({ agent, live }: { readonly agent: Agent; readonly live: PoolFeed }) {
  const { unit, remote } = live;
  const { name, contract } = agent;
  return (
    <li>
      <span class="name">{name}</span>
      <span class="note">
        priority {contract.priority}, {amount(contract.max, unit)}
        {agent.paused ? ", paused" : ""}
      </span>
      <span class="answers">
        <Act
          label="Contract"
          to={name}
          question={`Changes what ${name} may spend. What it has spent stays.`}
          act={(form) => remote.register(name, contractOf(form, unit))}
        >
          <ContractFields unit={unit} contract={contract} />
        </Act>
        {gateOf(agent) === "closed" ? (
          <Act
            label="Reopen"
            to={name}
            question={`${name} reached its confidence threshold. Reopening its gate starts a new task.`}
            act={() => remote.agent(name).reopen()}
          />
        ) : null}
        {agent.paused ? (
          <Act
            label="Resume"
            to={name}
            question={`${name} may reserve again.`}
            act={() => remote.agent(name).resume()}
          />
        ) : (
          <Act
            label="Pause"
            to={name}
            question={`${name} and its sub-agents can't reserve until it is resumed. Open reservations still settle.`}
            act={() => remote.agent(name).pause()}
          />
        )}
        <Act
          label="Close"
          to={name}
          isGrave
          question={`${name} can't reserve any more, and leaves when its reservations are settled.`}
          act={() => remote.agent(name).close()}
        />
      </span>
    </li>
  );
}

function Keys() {
  const keys = useSignal<readonly KeyView[] | undefined>(undefined);
  const fault = useSignal("");
  const load = async (): Promise<void> => {
    try {
      keys.value = await client().keys.list();
      fault.value = "";
    } catch (error) {
      fault.value = error instanceof Error ? error.message : String(error);
    }
  };
  return (
    <section class="card" aria-labelledby="keys">
      <div class="title">
        <h2 id="keys">Keys</h2>
        <button type="button" onClick={() => void load()}>
          {keys.value === undefined ? "Show" : "Refresh"}
        </button>
      </div>
      <p class="fault" role="alert">
        {fault}
      </p>
      <ul class="manage">
        {(keys.value ?? []).map((key) => (
          <li key={key.key_id}>
            <span class="name">{key.label ?? key.key_id}</span>
            <span class="note">
              {key.scope}
              {key.pool === null ? "" : ` · ${key.pool}`}
              {key.agent === null ? "" : ` · ${key.agent}`}
            </span>
            <span class="answers">
              {key.revoked_at === null ? (
                <Act
                  label="Revoke"
                  to={key.label ?? key.key_id}
                  isGrave
                  question={`${key.label ?? key.key_id} is refused from the next command on, everywhere, for ever.${key.key_id === access.value?.capability.key_id ? " It is the key that you are signed in with." : ""}`}
                  act={() => client().keys.revoke(key.key_id)}
                  done={() => void load()}
                />
              ) : (
                <span class="badge">revoked</span>
              )}
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}
