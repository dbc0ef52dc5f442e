/**
 * What is used here of the packages that only `evidence/package.json` lists: so that `npm run check` holds these files
 * against `src` without installing them.
 */

declare module "autocannon" {
  type Sent = { readonly method: string; readonly path?: string; readonly headers: object; readonly body?: string };
  type Step = Sent & { readonly setupRequest: (request: Sent, context: object) => Sent };
  export default function autocannon(options: {
    readonly url: string;
    readonly connections: number;
    /** Seconds. */
    readonly duration: number;
    readonly requests: readonly Step[];
  }): Promise<{
    readonly requests: { readonly average: number };
    readonly latency: { readonly p50: number; readonly p99: number };
    readonly non2xx: number;
    readonly errors: number;
  }>;
}

declare module "ioredis" {
  export class Redis {
    constructor(options: {
      readonly port: number;
      readonly host: string;
      readonly enableAutoPipelining: boolean;
      readonly retryStrategy: () => number;
    });
    defineCommand(name: string, script: { readonly numberOfKeys: number; readonly lua: string }): void;
    ping(): Promise<string>;
    hset(key: string, field: string, value: number): Promise<number>;
    disconnect(): void;
  }
}

declare module "pg" {
  class Pool {
    constructor(options: {
      readonly host: string;
      readonly port: number;
      readonly user: string;
      readonly database: string;
      readonly max: number;
    });
    query(
      query: string | { readonly name: string; readonly text: string; readonly values: readonly unknown[] },
    ): Promise<unknown>;
    end(): Promise<void>;
  }
  const pg: { readonly Pool: typeof Pool };
  export default pg;
  export type { Pool };
}

declare module "rate-limiter-flexible" {
  export class RateLimiterMemory {
    constructor(options: { readonly points: number; readonly duration: number });
    consume(key: string, points: number): Promise<unknown>;
    reward(key: string, points: number): Promise<unknown>;
  }
}
