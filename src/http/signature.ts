/**
 * Signs keys and checks them, with the secret that only this Worker has. A second, previous secret is accepted while
 * keys are rotated: see docs/guides/run-in-production.md.
 */
import { type Capability, decodeCapability, encodeCapability, fromBase64Url, toBase64Url } from "../protocol/key.ts";
import { minSecretLength } from "./settings.ts";

export type Secrets = {
  readonly BURSAR_KEY_SECRET?: string;
  readonly BURSAR_KEY_SECRET_PREVIOUS?: string;
};

/** The last character of a signature carries only four bits: other spellings of it must not count as further valid keys. */
const keyPattern = /^bursar_([A-Za-z0-9_-]{1,1400})\.([A-Za-z0-9_-]{42}[AEIMQUYcgkosw048])$/;

/** The key that carries `capability`. */
export async function signKey(capability: Capability, secrets: Secrets): Promise<string> {
  const payload = encodeCapability(capability);
  const signature = await crypto.subtle.sign("HMAC", await signingKey(newestSecret(secrets)), bytesOf(payload));
  return `bursar_${payload}.${toBase64Url(new Uint8Array(signature))}`;
}

/** What `key` allows; undefined if it was not signed here. Checks neither expiry nor revocation. */
export async function verifyKey(key: string, secrets: Secrets): Promise<Capability | undefined> {
  const accepted = acceptedSecrets(secrets);
  const known = verified.get(key);
  if (known !== undefined && accepted.includes(known.secret)) return known.capability;
  const [, payload, signature] = keyPattern.exec(key) ?? [];
  if (payload === undefined || signature === undefined) return undefined;
  for (const secret of accepted) {
    // `verify` compares in constant time.
    const signed = await crypto.subtle.verify(
      "HMAC",
      await signingKey(secret),
      fromBase64Url(signature),
      bytesOf(payload),
    );
    const capability = signed ? decodeCapability(payload) : undefined;
    if (capability !== undefined) {
      keep(key, { capability, secret });
      return capability;
    }
  }
  return undefined;
}

/** A cache of verified keys: verifying a signature takes a tenth of a request's time. */
const verified = new Map<string, { readonly capability: Capability; readonly secret: string }>();
const verifiedMax = 1_000;

function keep(key: string, found: { readonly capability: Capability; readonly secret: string }): void {
  const [oldest] = verified.keys();
  if (verified.size >= verifiedMax && oldest !== undefined) verified.delete(oldest);
  verified.set(key, found);
}

function acceptedSecrets(secrets: Secrets): readonly string[] {
  const { BURSAR_KEY_SECRET_PREVIOUS: previous = "" } = secrets;
  const current = newestSecret(secrets);
  return previous.length >= minSecretLength ? [current, previous] : [current];
}

function newestSecret({ BURSAR_KEY_SECRET: secret = "" }: Secrets): string {
  // `mustBeConfigured` has refused the request before it gets here.
  if (secret.length < minSecretLength) throw new Error("BURSAR_KEY_SECRET is missing or too short");
  return secret;
}

/** Imported secrets, cached: importing takes longer than signing. An isolate sees two at most, unless they are rotated. */
const imported = new Map<string, Promise<CryptoKey>>();

function signingKey(secret: string): Promise<CryptoKey> {
  const known = imported.get(secret);
  if (known !== undefined) return known;
  if (imported.size >= 4) imported.clear();
  const hmac = { name: "HMAC", hash: "SHA-256" };
  const key = crypto.subtle.importKey("raw", bytesOf(secret), hmac, false, ["sign", "verify"]);
  imported.set(secret, key);
  return key;
}

function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(new TextEncoder().encode(text));
}
