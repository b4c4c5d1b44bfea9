// Queries of hot paths, built and compiled once for each dialect: with Kysely that costs more than running them does.

import type { Compilable, CompiledQuery, Kysely } from "kysely";
import type { Schema } from "./schema.ts";

/** Stands for a value in the query while it is built. */
class Parameter {
  readonly name: string;

  constructor(name: string) {
    this.name = name;
  }
}

type Value<V> = <N extends keyof V & string>(name: N) => V[N];
type Run<V, R> = (db: Kysely<Schema>, values: V) => Promise<R[]>;

/**
 * `build` is called once for each dialect, with what stands for the values; what the query looks like must not depend
 * on them. Not for secrets: they are sealed when a query is compiled.
 */
export function prepared<V extends object, R>(
  build: (db: Kysely<Schema>, value: Value<V>) => Compilable<R>,
): Run<V, R> {
  const compiled = new WeakMap<object, CompiledQuery<R>>();
  return async (db, values) => {
    const { adapter } = db.getExecutor();
    let query = compiled.get(adapter);
    if (query === undefined) {
      query = build(db, (name) => new Parameter(name) as never).compile();
      compiled.set(adapter, query);
    }
    const parameters = query.parameters.map((parameter) =>
      parameter instanceof Parameter ? (values as Record<string, unknown>)[parameter.name] : parameter,
    );
    return (await db.executeQuery<R>({ ...query, parameters })).rows;
  };
}

/** So many shapes are kept of one query. */
const shapesMax = 64;

/**
 * The same for a query of few shapes: which columns it sets, how many rows it inserts. One is built for each `shape`.
 */
export function preparedByShape<S extends string | number, R>(
  build: (db: Kysely<Schema>, value: (name: string) => never, shape: S) => Compilable<R>,
): (db: Kysely<Schema>, shape: S, values: Record<string, unknown>) => Promise<R[]> {
  const runs = new Map<S, Run<Record<string, unknown>, R>>();
  return (db, shape, values) => {
    let run = runs.get(shape);
    if (run === undefined) {
      run = prepared((db, value) => build(db, (name) => value(name) as never, shape));
      if (runs.size < shapesMax) runs.set(shape, run);
    }
    return run(db, values);
  };
}
