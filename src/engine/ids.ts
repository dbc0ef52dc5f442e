/** Reads the time out of ids that carry one. */

const uuid7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/i;

/** Milliseconds since 1970 in a UUIDv7 (RFC 9562, section 5.7), or undefined for any other id. */
export function timeOfId(id: string): number | undefined {
  if (id.length !== 36 || id.charCodeAt(14) !== 0x37 || !uuid7.test(id)) return undefined;
  return Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16);
}
