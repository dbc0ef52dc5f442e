/** What `npm run compat` knows of a client: its packages, its settings, and the command of each scenario. */

/** What every client is put through; those that it has no way to do are left out. */
export type Scenario = "tool" | "stream" | "again" | "delegate" | "search" | "refusal";

export type Command = readonly string[];

/**
 * Texts may hold `$BURSAR_URL`, `$AGENT_KEY`, `$CLIENT` (the folder that its packages are installed in), `$HOME` and,
 * in a command, `$PROMPT`.
 */
export type Client = {
  /** As `--only` takes it. */
  readonly id: string;
  readonly title: string;
  /** What is installed; the first is the client, whose version is reported. */
  readonly packages: readonly string[];
  /** Folder of the packages, where several clients share one. */
  readonly installedAs?: string;
  /** The API that it speaks through the gateway. */
  readonly api: "chat" | "responses" | "messages" | "gemini";
  /** What points it at the gateway. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Files of settings by their paths in its home. */
  readonly files?: Readonly<Record<string, string>>;
  /** A command that sets it up, once. */
  readonly setup?: Command;
  /** Settings that it needs besides a base URL, a key and a model; none for a client that works as it comes. */
  readonly needs?: readonly string[];
  /** Keeps it from asking for other addresses, and from waiting for a human: no part of what makes it work. */
  readonly quiet?: Readonly<Record<string, string>>;
  readonly commands: Partial<Record<Exclude<Scenario, "refusal">, Command>>;
};
