/**
 * Which addresses a webhook may have. A tenant chooses the address and this deployment sends the request, so it must not reach
 * what only the deployment can (server-side request forgery). Checked when an address is set, and again before each message.
 * What a name resolves to is not known here: from Cloudflare's network nothing private can be reached, and from a workerd of
 * one's own only what its network service allows (docs/guides/webhooks-and-alerts.md).
 */
import { limits } from "../protocol/limits.ts";

/** Names that stand for the machine itself or for private networks (RFC 2606, 6761, 6762, 8375). */
const privateSuffixes = [
  "localhost",
  "localdomain",
  "local",
  "internal",
  "intranet",
  "private",
  "corp",
  "home",
  "lan",
  "intra",
  "svc",
  "consul",
  "docker",
  "example",
  "arpa",
  "onion",
  "alt",
  "test",
  "invalid",
];

/** Public names that resolve to whatever address is written in them, or to the machine that asks. */
const mirrors = [
  "nip.io",
  "sslip.io",
  "xip.io",
  "traefik.me",
  "localtest.me",
  "lvh.me",
  "vcap.me",
  "lacolhost.com",
  "local.gd",
  "1u.ms",
  "rbndr.us",
  "nip.dev",
  "sslip.dev",
  "backname.io",
  "local-ip.co",
  "local-ip.sh",
  "localho.st",
  "1-2-3-4.org.uk",
  "ip6.name",
];

/** Names under which home routers answer, though their last part is a public domain. */
const routers = ["fritz.box", "speedport.ip", "routerlogin.net", "tplinkwifi.net"];

const ports = ["", "443", "8443"];

/** Why `text` can't be a webhook's address; undefined if it can. `allowedOrigins` are origins that the operator allows. */
export function validateWebhookUrl(text: string, allowedOrigins: readonly string[]): string | undefined {
  if (text.length > limits.webhookUrlLength) return `must have at most ${limits.webhookUrlLength} characters`;
  // URL parsers disagree about these characters, and no webhook needs them.
  if (/[\s\\\p{Cc}]/u.test(text)) return "must not have spaces, backslashes or control characters";
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined) return "must be a URL";
  if (url.username !== "" || url.password !== "") return "must not carry a user name or password";
  if (url.hash !== "") return "must not have a fragment";
  if (allowedOrigins.includes(url.origin)) return undefined;
  if (url.protocol !== "https:") return "must be https";
  if (!ports.includes(url.port)) return "must be on port 443 or 8443";
  return wrongHost(url.hostname);
}

/** `host` is as the URL parser gives it: lower case, ASCII, and every spelling of an IPv4 address as four numbers. */
function wrongHost(host: string): string | undefined {
  const labels = host.split(".");
  const last = labels.at(-1) ?? "";
  if (host.startsWith("[") || /^\d+$/.test(last)) return "must be a name, not an IP address";
  if (labels.length < 2 || !labels.every((label) => /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(label))) {
    return "must have a public host name";
  }
  if (privateSuffixes.includes(last)) return `must not be a name of a private network (.${last})`;
  const mirror = [...mirrors, ...routers].find((name) => host === name || host.endsWith(`.${name}`));
  return mirror === undefined ? undefined : `must not be a name that stands for another address (${mirror})`;
}

/** The origins in a setting: separated by commas. */
export function originsIn(setting: string | undefined): string[] {
  return (setting ?? "")
    .split(",")
    .map((origin) => origin.trim())
    .filter((origin) => origin !== "");
}
