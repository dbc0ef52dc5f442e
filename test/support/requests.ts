/** Requests as their dialects read them. */
import type { Body, Dialect, DialectName } from "../../src/providers/dialect.ts";
import type { Fault, Inspection } from "../../src/providers/inspection.ts";
import { dialects } from "../../src/providers/registry.ts";
import { type ModelRequest, readRequest, type SizeOf } from "../../src/providers/request.ts";

export function dialectNamed(name: DialectName): Dialect {
  const found = dialects.find((dialect) => dialect.name === name);
  if (found === undefined) throw new Error(`there is no dialect ${name}`);
  return found;
}

/** A request in the dialect `name`; throws if it can't be read. */
export function requestIn(name: DialectName, body: object, sizeOf?: SizeOf): ModelRequest {
  const request = readRequest(dialectNamed(name), body, sizeOf);
  if (request === undefined) throw new Error("it was not read");
  return request;
}

/** What the inspection of a request finds. */
export function inspected(name: DialectName, body: object): Inspection {
  const { model } = body as { readonly model?: string };
  return dialectNamed(name).inspect(body as Body, model ?? "");
}

/** The first feature of a request that can't be governed. */
export function faultIn(name: DialectName, body: object): Fault | undefined {
  return inspected(name, body).refused;
}
