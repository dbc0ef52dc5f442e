/** What an admin may do from here: each asks once more before it is done, and a no of the governor's is said in words. */
import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useRef } from "preact/hooks";
import { gateOf } from "../../../src/engine/state.ts";
import type { Unit } from "../../../src/protocol/commands.ts";
import type { KeyView } from "../../../src/protocol/tenants.ts";
import { access } from "../model/access.ts";
import type { LivePool } from "../model/live.ts";
import { addressOf } from "../model/route.ts";

type ActProps = {
  readonly label: string;
  /** What is asked before it is done. */
  readonly question: string;
  readonly isGrave?: boolean;
  readonly children?: ComponentChildren;
  readonly act: (form: FormData) => Promise<unknown>;
  readonly done?: () => void;
};

/** A button, a question, and what came of it. */
function Act({ label, question, isGrave = false, children, act, done }: ActProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  const fault = useSignal("");
  const isBusy = useSignal(false);
  const submit = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault();
    isBusy.value = true;
    fault.value = "";
    try {
      await act(new FormData(event.currentTarget as HTMLFormElement));
      dialog.current?.close();
      done?.();
    } catch (error) {
      fault.value = error instanceof Error ? error.message : String(error);
    }
    isBusy.value = false;
  };
  return (
    <>
      <button type="button" class={isGrave ? "grave" : ""} onClick={() => dialog.current?.showModal()}>
        {label}
      </button>
      <dialog ref={dialog} aria-label={label}>
        <form onSubmit={(event) => void submit(event)}>
          <h2>{label}</h2>
          <p>{question}</p>
          {children}
          <p class="fault" role="alert">
            {fault}
          </p>
          <p class="answers">
            <button type="button" onClick={() => dialog.current?.close()}>
              Cancel
            </button>
            <button type="submit" class={isGrave ? "grave" : "primary"} disabled={isBusy.value}>
              {label}
            </button>
          </p>
        </form>
      </dialog>
    </>
  );
}

function Field({
  name,
  label,
  type = "text",
  value = "",
  required = true,
}: {
  name: string;
  label: string;
  type?: "text" | "number";
  value?: string | number;
  required?: boolean;
}) {
  return (
    <label class="field">
      {label}
      {type === "number" ? (
        <input name={name} type="number" step="any" defaultValue={String(value)} required={required} />
      ) : (
        <input name={name} type="text" defaultValue={String(value)} required={required} />
      )}
    </label>
  );
}

function text(form: FormData, name: string): string {
  const value = form.get(name);
  return typeof value === "string" ? value.trim() : "";
}
const number = (form: FormData, name: string): number => Number(text(form, name));

function client() {
  const bursar = access.value?.bursar;
  if (bursar === undefined) throw new Error("You have signed out.");
  return bursar;
}

export function NewPool() {
  return (
    <Act
      label="New pool"
      question="A pool is one budget, shared by its agents. Its unit can't be changed later."
      act={async (form) => {
        const unit = text(form, "unit") as Unit;
        const budget = text(form, "budget");
        const pool = client().pool(text(form, "name"), { unit });
        await pool.configure({ unit, ...(budget === "" ? {} : { budget: Number(budget) }) });
        location.hash = addressOf(pool.name, "manage");
      }}
    >
      <Field name="name" label="Name" />
      <label class="field">
        Unit
        <select name="unit">
          <option value="tokens">tokens</option>
          <option value="microusd">microusd</option>
        </select>
      </label>
      <Field name="budget" label="Budget (empty: none)" type="number" required={false} />
    </Act>
  );
}

export function ManageTab({ live }: { readonly live: LivePool }) {
  const { unit, remote } = live;
  // Read, so that it follows the pool.
  const agents = live.version.value > 0 ? [...live.state.agents.values()] : [];
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
            question={`Adds to the pool's float; below zero, takes out of it. In ${unit}.`}
            act={(form) => client().pool(live.name, { unit }).fund(number(form, "amount"))}
          >
            <Field name="amount" label="Amount" type="number" />
          </Act>
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
              type="number"
              required={false}
            />
          </Act>
        </div>
        <ul class="manage">
          {agents.map((agent) => (
            <li key={agent.name}>
              <span class="name">{agent.name}</span>
              <span class="note">
                priority {agent.contract.priority}, {agent.contract.max.toLocaleString("en-US")}
              </span>
              <span class="answers">
                <Act
                  label="Contract"
                  question={`Changes what ${agent.name} may spend. What it has spent stays.`}
                  act={(form) =>
                    remote.register(agent.name, {
                      ...contractOf(form),
                      ceiling: agent.contract.ceiling,
                      parent: agent.contract.parent,
                    })
                  }
                >
                  <Field name="priority" label="Priority, 0 to 1,000" type="number" value={agent.contract.priority} />
                  <Field name="max" label={`Budget, in ${unit}`} type="number" value={agent.contract.max} />
                  <Field
                    name="min_reserve"
                    label="Keeps"
                    type="number"
                    value={agent.contract.min_reserve}
                    required={false}
                  />
                  <Field
                    name="confidence_threshold"
                    label="Gate closes at (0 to 1, empty: never)"
                    type="number"
                    value={agent.contract.confidence_threshold ?? ""}
                    required={false}
                  />
                </Act>
                {gateOf(agent) === "closed" ? (
                  <Act
                    label="Reopen"
                    question={`${agent.name} is sure of its answer. A new task opens its gate.`}
                    act={() => remote.agent(agent.name).reopen()}
                  />
                ) : null}
                <Act
                  label="Close"
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
          {keys.value === undefined ? "Show" : "Look again"}
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
                  isGrave
                  question="It is refused from the next command on, everywhere, for ever."
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
