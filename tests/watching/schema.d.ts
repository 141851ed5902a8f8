import type { Dashboard } from "@grafana/schema/dist/types/raw/dashboard/x/types.gen";

/** As JSON writes it: words in place of the members of an enum. */
type InJson<T> = T extends string
  ? `${T}`
  : T extends number
    ? `${T}` extends `${infer N extends number}` ? N : T
    : T extends (infer U)[]
      ? InJson<U>[]
      : T extends object
        ? { [K in keyof T]: InJson<T[K]> }
        : T;

/** A dashboard in its file. */
export type DashboardFile = InJson<Dashboard>;
