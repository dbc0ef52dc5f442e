/** A view that is fetched when it is first looked at: the first page stays small. */
import { useSignal } from "@preact/signals";
import type { ComponentType } from "preact";
import { useEffect } from "preact/hooks";
import { Fault, Loading } from "./states.tsx";

/** `fetched` must be the same function each time. */
export function Later<Props extends object>({
  fetched,
  what,
  props,
}: {
  readonly fetched: () => Promise<ComponentType<Props>>;
  readonly what: string;
  readonly props: Props;
}) {
  const view = useSignal<{ readonly View: ComponentType<Props> } | undefined>(undefined);
  const fault = useSignal("");
  useEffect(() => {
    const fetching = async (): Promise<void> => {
      try {
        view.value = { View: await fetched() };
      } catch {
        fault.value = "This part of the page could not be fetched. Load the page again.";
      }
    };
    void fetching();
  }, [fetched]);
  if (fault.value !== "") return <Fault text={fault.value} />;
  if (view.value === undefined) return <Loading what={what} />;
  const { View } = view.value;
  return <View {...props} />;
}
