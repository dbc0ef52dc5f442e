/** Signatures of Standard Webhooks (https://www.standardwebhooks.com), version 1: HMAC-SHA-256 of id, time and body. */
import { createHash, createHmac, randomBytes } from "node:crypto";

const prefix = "whsec_";
/** Within the 24 to 64 bytes that the specification names. */
const secretBytes = 32;

export function newSecret(): string {
  return `${prefix}${randomBytes(secretBytes).toString("base64")}`;
}

/** The headers of a message: signed with each of `secrets`, so that a receiver may know the old one or the new. */
export function signedHeaders(
  id: string,
  at: number,
  body: string,
  secrets: readonly string[],
): Readonly<Record<string, string>> {
  const timestamp = Math.floor(at / 1_000);
  const signatures = secrets.map((secret) => {
    const key = Buffer.from(secret.slice(prefix.length), "base64");
    return `v1,${createHmac("sha256", key).update(`${id}.${timestamp}.${body}`).digest("base64")}`;
  });
  return {
    "webhook-id": id,
    "webhook-timestamp": String(timestamp),
    "webhook-signature": signatures.join(" "),
  };
}

/**
 * The message id of an event of a pool: the same however often it is handed over. `at` distinguishes pools that had one name
 * after each other. Without a dot, which separates the parts of the signed text.
 */
export function messageId(tenant: string, pool: string, seq: number, at: number): string {
  const hash = createHash("sha256").update(`${tenant}/${pool}\n${seq}\n${at}`).digest("base64url");
  return `msg_${hash.slice(0, 32)}`;
}
