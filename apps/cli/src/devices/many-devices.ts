// What is done to many devices: how many a filter means is said before, and nothing is done without --yes.

import type { Client } from "@flipside/api/client";
import { CommandFailure } from "../command-line/failures.ts";

/** How many devices a filter means. */
export async function howMany(api: Client, filter: string): Promise<number> {
  let devices = 0;
  for (let after: string | null | undefined; after !== null; ) {
    const query = { by: "agent", filter };
    const page = await api("GET /api/v1/device-groups", { query: after === undefined ? query : { ...query, after } });
    devices += page.devices;
    after = page.next;
  }
  return devices;
}

/** Throws CommandFailure when it is not confirmed. */
export async function sayHowMany(
  api: Client,
  filter: string,
  { isConfirmed, note, done }: { isConfirmed: boolean; note: (line: string) => void; done: string },
): Promise<void> {
  const devices = await howMany(api, filter);
  note(`${devices} ${devices === 1 ? "device is" : "devices are"} meant`);
  if (!isConfirmed) throw new CommandFailure(`nothing was ${done}: give --yes to do it`);
}

/** Sums up what each request has done, until there are no more. */
export async function allOf<What extends string>(
  names: readonly What[],
  request: (after: { after?: string }) => Promise<Record<What, number> & { next: string | null }>,
): Promise<Record<What, number>> {
  const all = Object.fromEntries(names.map((name) => [name, 0])) as Record<What, number>;
  for (let after: string | null | undefined; after !== null; ) {
    const done = await request(after === undefined ? {} : { after });
    for (const name of names) all[name] += done[name];
    after = done.next;
  }
  return all;
}
