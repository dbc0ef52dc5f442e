/** Manage: agents, budget and keys, for an admin. */
import { useSignal } from "@preact/signals";
import { gateOf } from "../../../src/engine/state.ts";
import type { KeyView } from "../../../src/protocol/key.ts";
import { amount } from "../format.ts";
import { access } from "../model/access.ts";
import type { LivePool } from "../model/live.ts";
import { Act, client, Field, number, text } from "./acts.tsx";

/** Agents that are listed at once; more are found by name. */
const agentsMost = 100;

export function ManageTab({ live }: { readonly live: LivePool }) {
  const { unit, remote } = live;
  // Read, so that it follows the pool.
  const all = live.slowVersion.value >= 0 ? [...live.state.agents.values()] : [];
  const sought = useSignal("");
  const found = all.filter(({ name }) => name.includes(sought.value));
  const agents = found.slice(0, agentsMost);
  const contractOf = (form: FormData) => ({
    priority: number(form, "priority"),
    ...(unit === "tokens" ? { max_tokens: number(form, "max") } : { max_microusd: number(form, "max") }),
    ...(text(form, "min_reserve") === "" ? {} : { min_reserve: number(form, "min_reserve") }),
    ...(text(form, "confidence_threshold") === ""
      ? {}
      : { confidence_threshold: number(form, "confidence_threshold") }),
  });
  return (
    <>
      <section class="card" aria-labelledby="manage">
        <div class="title">
          <h2 id="manage">Agents and budget</h2>
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
            question="The budget is filled again and nothing is consumed. What is open stays open."
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
            question="Its contract says how important it is, and what it may spend."
            act={(form) => remote.register(text(form, "agent"), contractOf(form))}
          >
            <Field name="agent" label="Name" />
            <Field name="priority" label="Priority, 0 to 1,000" type="number" value={1} />
            <Field name="max" label={`Budget, in ${unit}`} type="number" />
            <Field name="min_reserve" label="Keeps (empty: a tenth)" type="number" required={false} />
            <Field
              name="confidence_threshold"
              label="Gate closes at (0 to 1, empty: never)"
              step="any"
              type="number"
              required={false}
            />
          </Act>
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
            <li key={agent.name}>
              <span class="name">{agent.name}</span>
              <span class="note">
                priority {agent.contract.priority}, {amount(agent.contract.max, unit)}
                {agent.paused ? ", paused" : ""}
              </span>
              <span class="answers">
                <Act
                  label="Contract"
                  to={agent.name}
                  question={`Changes what ${agent.name} may spend. What it has spent stays.`}
                  act={(form) => remote.register(agent.name, contractOf(form))}
                >
                  <Field name="priority" label="Priority, 0 to 1,000" type="number" value={agent.contract.priority} />
                  <Field name="max" label={`Budget, in ${unit}`} type="number" value={agent.contract.max} />
                  <Field
                    name="min_reserve"
                    label="Min reserve"
                    type="number"
                    value={agent.contract.min_reserve}
                    required={false}
                  />
                  <Field
                    name="confidence_threshold"
                    label="Gate closes at (0 to 1, empty: never)"
                    step="any"
                    type="number"
                    value={agent.contract.confidence_threshold ?? ""}
                    required={false}
                  />
                </Act>
                {gateOf(agent) === "closed" ? (
                  <Act
                    label="Reopen"
                    to={agent.name}
                    question={`${agent.name} is sure of its answer. A new task opens its gate.`}
                    act={() => remote.agent(agent.name).reopen()}
                  />
                ) : null}
                {agent.paused ? (
                  <Act
                    label="Resume"
                    to={agent.name}
                    question={`${agent.name} may reserve again.`}
                    act={() => remote.agent(agent.name).resume()}
                  />
                ) : (
                  <Act
                    label="Pause"
                    to={agent.name}
                    question={`${agent.name} and those below it can't reserve until it is resumed. Open reservations still settle.`}
                    act={() => remote.agent(agent.name).pause()}
                  />
                )}
                <Act
                  label="Close"
                  to={agent.name}
                  isGrave
                  question={`${agent.name} takes no more work, and leaves when its reservations are settled.`}
                  act={() => remote.agent(agent.name).close()}
                />
              </span>
            </li>
          ))}
        </ul>
      </section>
      <Keys />
    </>
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
