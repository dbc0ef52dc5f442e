/** Requests as their dialects read them. */
import type { Body, Dialect, DialectName, Unsupported } from "../../src/providers/dialect.ts";
import { dialects } from "../../src/providers/registry.ts";
import { type ModelRequest, readRequest } from "../../src/providers/request.ts";

export function dialectNamed(name: DialectName): Dialect {
  const found = dialects.find((dialect) => dialect.name === name);
  if (found === undefined) throw new Error(`there is no dialect ${name}`);
  return found;
}

/** A request in the dialect `name`; throws if it can't be read. */
export function requestIn(name: DialectName, body: object): ModelRequest {
  const request = readRequest(dialectNamed(name), body);
  if (request === undefined) throw new Error("it was not read");
  return request;
}

/** The first feature of a request that can't be governed. */
export function faultIn(name: DialectName, body: object): Unsupported | undefined {
  const { model } = requestIn(name, body);
  return dialectNamed(name).unsupportedIn(body as Body, model);
}
