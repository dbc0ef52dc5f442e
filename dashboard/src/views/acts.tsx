/** Actions of an admin: each asks for confirmation, and shows the governor's refusal. */
import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect, useMemo, useRef } from "preact/hooks";
import type { Unit } from "../../../src/protocol/unit.ts";
import { access } from "../model/access.ts";
import { addressOf } from "../model/route.ts";

type ActProps = {
  readonly label: string;
  /** What it acts on, for screen readers. */
  readonly to?: string;
  /** What is asked before it is done. */
  readonly question: string;
  readonly isGrave?: boolean;
  readonly children?: ComponentChildren;
  /** `id` is an idempotency key, one for each dialog: sending it again has no second effect. */
  readonly act: (form: FormData, id: string) => Promise<unknown>;
  readonly done?: () => void;
};

/** A button that opens a confirmation dialog. The question is rendered when the dialog opens, with the state of then. */
export function Act(props: ActProps) {
  const { label, to, isGrave = false } = props;
  const isOpen = useSignal(false);
  return (
    <>
      <button
        type="button"
        class={isGrave ? "grave" : ""}
        aria-label={to === undefined ? undefined : `${label} ${to}`}
        onClick={() => {
          isOpen.value = true;
        }}
      >
        {label}
      </button>
      {isOpen.value ? (
        <Question
          {...props}
          close={() => {
            isOpen.value = false;
          }}
        />
      ) : null}
    </>
  );
}

function Question({ label, question, isGrave = false, children, act, done, close }: ActProps & { close: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const fault = useSignal("");
  const isBusy = useSignal(false);
  const id = useMemo(() => crypto.randomUUID(), []);
  // The form keeps its initial values while the pool changes.
  const fields = useMemo(() => children, []);
  useEffect(() => dialog.current?.showModal(), []);
  const submit = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault();
    isBusy.value = true;
    fault.value = "";
    try {
      await act(new FormData(event.currentTarget as HTMLFormElement), id);
      close();
      done?.();
    } catch (error) {
      fault.value = error instanceof Error ? error.message : String(error);
    }
    isBusy.value = false;
  };
  return (
    <dialog ref={dialog} aria-label={label} onClose={close}>
      <form onSubmit={(event) => void submit(event)}>
        <h2>{label}</h2>
        <p>{question}</p>
        {fields}
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
  );
}

export function Field({
  name,
  label,
  type = "text",
  value = "",
  required = true,
  step = "1",
}: {
  name: string;
  label: string;
  type?: "text" | "number";
  value?: string | number;
  required?: boolean;
  step?: "1" | "any";
}) {
  return (
    <label class="field">
      {label}
      {type === "number" ? (
        <input name={name} type="number" step={step} defaultValue={String(value)} required={required} />
      ) : (
        <input name={name} type="text" defaultValue={String(value)} required={required} />
      )}
    </label>
  );
}

export function text(form: FormData, name: string): string {
  const value = form.get(name);
  return typeof value === "string" ? value.trim() : "";
}
export const number = (form: FormData, name: string): number => Number(text(form, name));

export function client() {
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
