/** Passes a stream on as it comes, and calls `settle` once: at its end, when it breaks, or when its reader goes. */

/** `map` gives what is passed on of each chunk, or undefined for nothing; `rest` gives what is left at the end. */
export function meteredStream<In, Out>(
  source: ReadableStream<In>,
  map: (chunk: In) => Out | undefined,
  settle: () => Promise<void>,
  rest: () => Out | undefined = () => undefined,
): ReadableStream<Out> {
  const reader = source.getReader();
  return new ReadableStream<Out>({
    pull: async (controller) => {
      try {
        // A pull must give something or end, or it is not called again.
        for (;;) {
          const { done, value } = await reader.read();
          const out = done ? rest() : map(value);
          if (out !== undefined) controller.enqueue(out);
          if (done) {
            await settle();
            return controller.close();
          }
          if (out !== undefined) return;
        }
      } catch (error) {
        await settle();
        controller.error(error);
        await reader.cancel(error).catch(() => undefined);
      }
    },
    cancel: async (reason) => {
      // The model must stop, even while the booking is in flight.
      await Promise.all([reader.cancel(reason).catch(() => undefined), settle()]);
    },
  });
}
