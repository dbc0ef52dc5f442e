/** A request as `fetch` takes it, which is read at most once and sent on with all that its caller set. */
export class Outgoing {
  readonly url: URL;
  readonly method: string;
  readonly signal: AbortSignal | null;
  readonly #input: Request | undefined;
  readonly #init: RequestInit;

  constructor(input: RequestInfo | URL, init: RequestInit = {}) {
    this.#input = input instanceof Request ? input : undefined;
    this.#init = init;
    // A relative address is the page's, where there is a page; `Request` knows.
    this.url = new URL(input instanceof URL ? input : (this.#input ?? new Request(input)).url);
    this.method = (init.method ?? this.#input?.method ?? "GET").toUpperCase();
    this.signal = init.signal ?? this.#input?.signal ?? null;
  }

  text(): Promise<string> {
    const { body } = this.#init;
    if (typeof body === "string") return Promise.resolve(body);
    if (body === undefined && this.#input !== undefined) return this.#input.clone().text();
    return new Response(body ?? null).text();
  }

  /** The arguments of `fetch` with another body. */
  with(body: string): [url: string, init: RequestInit] {
    const { method, signal } = this;
    const headers = new Headers(this.#init.headers ?? this.#input?.headers);
    headers.delete("content-length");
    const inherited = this.#input === undefined ? {} : { redirect: this.#input.redirect };
    return [this.url.href, { ...inherited, ...this.#init, method, headers, body, signal }];
  }
}
