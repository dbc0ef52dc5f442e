/** Who owns pools and keys. */

/** Where a tenant's objects may live; chosen once, because it is part of their addresses. */
export const jurisdictions = ["eu", "us", "fedramp"] as const;

export type Jurisdiction = (typeof jurisdictions)[number];

export type Tenant = {
  readonly id: string;
  readonly jurisdiction: Jurisdiction | null;
  readonly created_at: number;
};
