// What a device says of itself, as attributes: by its inventory, and with each question for an update.

import { z } from "zod";
import { keptOf, type SentAttributes } from "../other-agents/attributes.ts";

export const inventoryBytesMax = 256 * 1024;

const value = z.union([z.string(), z.number(), z.boolean()]);

export const inventoryShape = z
  .array(z.object({ name: z.string().min(1).max(1024), value: z.union([value, z.array(value)]).nullable() }))
  .max(2_000);

const provides = z.record(z.string(), z.unknown());
/** Version 2 says all that it provides in a member of its own. */
export const updateQuestionShape = z.union([
  z.object({ device_provides: provides }).transform(({ device_provides }) => device_provides),
  provides,
]);

/** What runs and on what comes first: there are so many attributes at most. */
const firstNames = ["artifact_name", "device_type"];

/**
 * What can't be kept is left out, without a word: most inventories have some of it. A dot becomes `_`, as in
 * `rootfs-image.version`.
 */
export function attributesIn(inventory: z.output<typeof inventoryShape>, mode: SentAttributes["mode"]): SentAttributes {
  const said = inventory.map(({ name, value: given }): [string, string | number | boolean | null] => [
    name.replaceAll(".", "_"),
    Array.isArray(given) ? given.join(",") : given,
  ]);
  const isFirst = ([name]: readonly [string, unknown]): boolean => firstNames.includes(name);
  const sorted = [...said.filter(isFirst), ...said.filter((each) => !isFirst(each))];
  return { mode, data: keptOf(Object.fromEntries(sorted)).kept };
}

/** What it runs, and on what: as it says when it asks for an update. */
export function attributesOfQuestion(question: Record<string, unknown>): SentAttributes {
  const data: SentAttributes["data"] = {};
  for (const name of firstNames) {
    const given = question[name];
    if (typeof given === "string" && given !== "") data[name] = given;
  }
  return { mode: "merge", data };
}
