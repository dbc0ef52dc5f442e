/**
 * What the inspection of a request finds beside its tokens: what can't be governed, what this version does not know,
 * what stands for content that only the provider has, and tools that the provider runs and bills by use.
 */
import type { ProviderTool } from "./provider-tools.ts";
import { fieldOf } from "./shape.ts";

/** A field at fault, as a JSON pointer, and what is wrong with it. */
export type Fault = { readonly field: string; readonly message: string };

/** Content that only the provider has: an earlier answer, one of its items, a conversation, a file. */
export type Reference = { readonly id: string; readonly kind: "history" | "item" | "file" };

export class Inspection {
  /** The first feature that can't be governed. */
  refused: Fault | undefined;
  /** Fields, tools and parts that this version does not know. Most cost nothing; the pool's `unknown_fields` decides. */
  readonly unknown: Fault[] = [];
  readonly references: Reference[] = [];
  readonly tools: ProviderTool[] = [];

  refuse(field: string, message: string): void {
    this.refused ??= { field, message };
  }

  notKnown(field: string, message: string): void {
    // A name is the caller's choice, and goes into a header and a log: of an odd one, what can stand there.
    const shownField = field.slice(0, longestField).replaceAll(/[^\x21-\x2b\x2d-\x7e]/g, "?");
    if (this.unknown.length < mostNamed) this.unknown.push({ field: shownField, message });
  }

  refersTo(kind: Reference["kind"], id: unknown): void {
    this.references.push({ kind, id: typeof id === "string" ? id : "" });
  }

  runs(name: string, most?: number): void {
    this.tools.push({ name, most });
  }

  /** Bounds the uses of all tools whose own number is not known. */
  limitTools(most: number | undefined): void {
    for (const [at, tool] of this.tools.entries()) this.tools[at] = { ...tool, most: tool.most ?? most };
  }
}

/** A request can have a million unknown parts; a handful says what is wrong with it. */
const mostNamed = 16;
const longestField = 128;

/** Looks at a value, and notes what it finds. */
export type Check = (value: unknown, field: string, found: Inspection) => void;

/** Nothing to note: the field costs tokens at most. */
export const free: Check = () => undefined;

export const refusedWith =
  (message: string): Check =>
  (_, field, found) =>
    found.refuse(field, message);

/** The checks of a list of names, all of which cost tokens at most. */
export function freeFields(names: string): Record<string, Check> {
  return Object.fromEntries(names.split(/\s+/).map((name) => [name, free]));
}

/** Runs the check of each field. Fields that are off (null, false) or empty ask for nothing. */
export function checkFields(body: object, checks: Readonly<Record<string, Check>>, found: Inspection): void {
  for (const [name, value] of Object.entries(body)) {
    if (value === null || value === false || (Array.isArray(value) && value.length === 0)) continue;
    const check = Object.hasOwn(checks, name) ? checks[name] : undefined;
    if (check === undefined) found.notKnown(`/${name}`, "is not known to this version of Bursar");
    else check(value, `/${name}`, found);
  }
}

/** Checks each item of a list. A provider may take an object for a list: what is in it would not be looked at. */
export function checkList(items: unknown, field: string, check: Check, found: Inspection): void {
  if (Array.isArray(items)) for (const [at, item] of items.entries()) check(item, `${field}/${at}`, found);
  else if (typeof items === "object" && items !== null) found.refuse(field, "must be an array");
}

/** A file that only the provider has, or whose length is not known here. An image costs what images cost by its address, too. */
export function checkFile(holder: unknown, isImage: boolean, found: Inspection): void {
  for (const name of ["file_id", "file_url", ...(isImage ? [] : ["url"])]) {
    const id = fieldOf(holder, name);
    if (id !== undefined && id !== null) found.refersTo("file", id);
  }
}

/** Models that are billed by more than tokens, whatever is asked of them. */
export function checkModel(model: string, found: Inspection): void {
  const [, base = model] = /^ft:([^:]+)/.exec(model) ?? [];
  if (/(^|-)(search|audio|realtime|transcribe|tts|deep-research)(-|$)/i.test(base)) {
    found.refuse("/model", `${model} is billed by more than tokens`);
  }
}

/** As much of a foreign value as a message should have. */
export function shown(value: unknown): string {
  return typeof value === "string" ? value.slice(0, 64) : value === undefined ? "an item without a type" : "this";
}
