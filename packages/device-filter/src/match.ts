// Whether a device is as a filter says.
//
// What is not known is as no value: every condition on it is false, and so `!=` and `not`, which say the opposite of a
// condition, are true. So `a != b` is the same as `not a = b` everywhere, and a filter and its `not` share all devices
// between them.

import type { Device } from "@flipside/api/types";
import { compareVersions } from "@flipside/api/version-order";
import { attributeOf, type FieldName, kindOf } from "./fields.ts";
import type { Comparison, Filter, Value } from "./filter.ts";
import { globMatcher } from "./glob.ts";
import { rangeMatcher } from "./version-range.ts";

/** As much of a device as filters ask about; a device as the REST interface shows it is one. */
export type Filtered = Pick<
  Device,
  | "id"
  | "product"
  | "hardware"
  | "revision"
  | "health"
  | "bootReason"
  | "agent"
  | "channel"
  | "configurationState"
  | "online"
  | "revoked"
  | "lastSeenAt"
> & {
  running: Pick<NonNullable<Device["running"]>, "version" | "digest" | "state"> | null;
  tags: readonly string[];
  attributes: Readonly<Record<string, Value>>;
};

interface ReleaseName {
  id: string;
  version: string;
}

interface Surroundings {
  nowMs: number;
  /** Of what was uploaded, the release that has an image of this digest. */
  releaseOf: (digest: string) => ReleaseName | undefined;
}

export type Matcher = (device: Filtered) => boolean;

/** All that is known of the field: none, one, or any number of values. */
function valuesOf(field: FieldName, { nowMs, releaseOf }: Surroundings): (device: Filtered) => readonly Value[] {
  const one = (value: Value | null | undefined): readonly Value[] => (value == null ? [] : [value]);
  const attribute = attributeOf(field);
  if (attribute !== undefined)
    return ({ attributes }) => (Object.hasOwn(attributes, attribute) ? one(attributes[attribute]) : []);
  switch (field) {
    case "id":
    case "product":
    case "hardware":
    case "revision":
    case "health":
    case "bootReason":
    case "agent":
    case "channel":
    case "online":
    case "revoked":
      return (device) => one(device[field]);
    case "configuration":
      return (device) => one(device.configurationState);
    case "version":
    case "digest":
      return ({ running }) => one(running?.[field]);
    case "slotState":
      return ({ running }) => one(running?.state);
    case "lastSeen":
      return ({ lastSeenAt }) => (lastSeenAt === null ? [] : [nowMs - Date.parse(lastSeenAt)]);
    case "tag":
      return ({ tags }) => tags;
    default:
      return ({ running }) => {
        const release = running === null ? undefined : releaseOf(running.digest);
        return release === undefined ? [] : [release.id, release.version];
      };
  }
}

function equals(field: FieldName, wanted: Value): (value: Value) => boolean {
  if (kindOf(field) !== "version") return (value) => value === wanted;
  return (value) => value === wanted || compareVersions(String(value), String(wanted)) === 0;
}

/** Below, above or equal to 0; undefined when their order is not known. */
function orderOf(field: FieldName, one: Value, other: Value): number | undefined {
  if (kindOf(field) === "version") return compareVersions(String(one), String(other));
  return typeof one === "number" && typeof other === "number" ? Math.sign(one - other) : undefined;
}

function ordered(field: FieldName, operator: Comparison, wanted: Value): (value: Value) => boolean {
  const wantedOrders = { "<": [-1], "<=": [-1, 0], ">": [1], ">=": [0, 1] }[operator as "<" | "<=" | ">" | ">="];
  return (value) => {
    const order = orderOf(field, value, wanted);
    return order !== undefined && wantedOrders.includes(Math.sign(order));
  };
}

const asText =
  (matches: (text: string) => boolean) =>
  (value: Value): boolean =>
    typeof value === "string" && matches(value);

/** What one value has to be like; of `!=`, what it must not be like. */
export function wishOf(filter: Extract<Filter, { field: FieldName }>): (value: Value) => boolean {
  const { field } = filter;
  switch (filter.kind) {
    case "has":
      return () => true;
    case "in": {
      const wanted = filter.values.map((value) => equals(field, value));
      return (value) => wanted.some((each) => each(value));
    }
    case "like":
      return asText(globMatcher(filter.pattern));
    case "range":
      return asText(rangeMatcher(filter.range)!);
    case "compare":
      return filter.operator === "=" || filter.operator === "!="
        ? equals(field, filter.value)
        : ordered(field, filter.operator, filter.value);
  }
}

function condition(filter: Filter, surroundings: Surroundings): Matcher {
  if ("parts" in filter) {
    const parts = filter.parts.map((part) => condition(part, surroundings));
    return filter.kind === "and"
      ? (device) => parts.every((part) => part(device))
      : (device) => parts.some((part) => part(device));
  }
  if (filter.kind === "not") {
    const part = condition(filter.part, surroundings);
    return (device) => !part(device);
  }
  const values = valuesOf(filter.field, surroundings);
  const wanted = wishOf(filter);
  const matches: Matcher = (device) => values(device).some(wanted);
  return filter.kind === "compare" && filter.operator === "!=" ? (device) => !matches(device) : matches;
}

/** Made once, asked of each device. */
export const matcherOf = (filter: Filter, surroundings: Surroundings): Matcher => condition(filter, surroundings);
