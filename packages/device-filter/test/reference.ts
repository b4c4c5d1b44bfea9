// What a filter means, said a second time and in another way, to judge the matcher: conditions by sets of values and
// regular expressions, versions by npm's own library where it has an opinion.

import { compareVersions } from "@flipside/api/version-order";
import semver from "semver";
import type { Filter, Value } from "../src/filter.ts";
import type { Filtered } from "../src/match.ts";
import { nowMs, releases } from "./random-filters.ts";

function known(device: Filtered, field: string): Value[] {
  const all: Record<string, readonly (Value | null | undefined)[]> = {
    id: [device.id],
    product: [device.product],
    hardware: [device.hardware],
    revision: [device.revision],
    version: [device.running?.version],
    digest: [device.running?.digest],
    slotState: [device.running?.state],
    release: Object.values(releases.get(device.running?.digest ?? "") ?? {}),
    health: [device.health],
    bootReason: [device.bootReason],
    agent: [device.agent],
    channel: [device.channel],
    configuration: [device.configurationState],
    online: [device.online],
    revoked: [device.revoked],
    lastSeen: [device.lastSeenAt === null ? null : nowMs - new Date(device.lastSeenAt).getTime()],
    tag: device.tags,
  };
  for (const [name, value] of Object.entries(device.attributes)) all[`attribute.${name}`] = [value];
  return (all[field] ?? []).filter((value): value is Value => value !== null && value !== undefined);
}

const asExpression = (pattern: string): RegExp =>
  new RegExp(
    `^${[...pattern].map((c) => (c === "*" ? "[^]*" : c === "?" ? "[^]" : c.replace(/[\\^$.|+()[\]{}]/, "\\$&"))).join("")}$`,
    "u",
  );

function compares(field: string, operator: string, one: Value, other: Value): boolean {
  const order =
    field === "version"
      ? compareVersions(String(one), String(other))
      : typeof one === "number" && typeof other === "number"
        ? one - other
        : undefined;
  switch (operator) {
    case "=":
      return one === other || (field === "version" && order === 0);
    case "<":
      return order !== undefined && order < 0;
    case "<=":
      return order !== undefined && order <= 0;
    case ">":
      return order !== undefined && order > 0;
    case ">=":
      return order !== undefined && order >= 0;
    default:
      throw new Error(operator);
  }
}

/** npm knows no other versions. No range here asks for a fourth number. */
const ofThreeNumbers = (version: string): string =>
  /^\d+(\.\d+)*$/.test(version) ? [...version.split("."), "0", "0"].slice(0, 3).join(".") : version;

export function meansByReference(filter: Filter, device: Filtered): boolean {
  switch (filter.kind) {
    case "and":
      return !filter.parts.some((part) => !meansByReference(part, device));
    case "or":
      return filter.parts.some((part) => meansByReference(part, device));
    case "not":
      return !meansByReference(filter.part, device);
    case "has":
      return known(device, filter.field).length > 0;
    case "compare": {
      const { field, operator, value } = filter;
      const isNot = operator === "!=";
      const found = known(device, field).some((each) => compares(field, isNot ? "=" : operator, each, value));
      return isNot ? !found : found;
    }
    case "in":
      return filter.values.some((value) =>
        known(device, filter.field).some((each) => compares(filter.field, "=", each, value)),
      );
    case "like":
      return known(device, filter.field).some(
        (each) => typeof each === "string" && asExpression(filter.pattern).test(each),
      );
    case "range":
      return known(device, filter.field).some(
        (each) => typeof each === "string" && semver.satisfies(ofThreeNumbers(each), filter.range),
      );
  }
}
