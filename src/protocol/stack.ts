/** Where an error was thrown, without its message, which may quote what was sent. For logs. */
export function stackOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const { stack = "", message } = error;
  // A message may have lines of its own that look like the stack's.
  const end = message === "" ? -1 : stack.indexOf(message);
  return (end < 0 ? stack : stack.slice(end + message.length))
    .split("\n")
    .filter((line) => /^\s*at /.test(line))
    .slice(0, 12)
    .join("\n");
}
