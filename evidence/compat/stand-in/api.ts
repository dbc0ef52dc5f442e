/** What each API of the stand-in is: how a request of it is read, and how an answer is written, whole or in events. */
import type { Json, Reply, Turn, Usage } from "./turn.ts";

export class Rejected extends Error {
  readonly status: number;

  /** The provider's answer to a request that it does not take. */
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

export type Asked = {
  readonly body: Json;
  readonly header: (name: string) => string | undefined;
  readonly model: string;
  readonly isStream: boolean;
};

export type Event = { readonly name?: string; readonly data: Json | string };

export type Api = {
  readonly path: RegExp;
  /** Whether answers have reasoning, and whether the API charges for writing its cache. */
  readonly reasons: boolean;
  readonly writes: boolean;
  modelOf(body: Json, path: string): string;
  isStream(body: Json, path: string): boolean;
  /** Throws `Rejected` for what the provider rejects. */
  read(asked: Asked): Turn;
  whole(asked: Asked, reply: Reply, usage: Usage): Json;
  /** Events of a stream. Those of a piece of text are apart from others, so that the stream can pause between pieces. */
  events(asked: Asked, reply: Reply, usage: Usage): { before: Event[]; pieces: Event[][]; after: Event[] };
  error(status: number, message: string): Json;
};

let made = 0;

/** An id that no other item of this process has. */
export const newId = (prefix: string): string => `${prefix}_${String(++made).padStart(8, "0")}`;

export const isObject = (value: unknown): value is Json =>
  typeof value === "object" && value !== null && !Array.isArray(value);
export const listOf = (value: unknown): Json[] => (Array.isArray(value) ? value.filter(isObject) : []);

/** A field's text; none for what is no text. */
export const word = (value: unknown): string => (typeof value === "string" ? value : "");

/** The text of a content that is a string or a list of parts. */
export function textOf(content: unknown): string {
  if (typeof content === "string") return content;
  return listOf(content)
    .map(
      (part) =>
        word(part["text"]) || word(part["encrypted_content"]) || textOf(part["content"] ?? part["output"] ?? ""),
    )
    .join("\n");
}
