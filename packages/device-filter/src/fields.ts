// What can be asked of a device, and by which operators: the one table that parser, printer, matcher and the tests of
// docs/device-filter.md go by.

import { attributeNamePattern } from "@flipside/api/limits";
import { channels } from "@flipside/api/channels";
import { agentNames } from "@flipside/api/agent-names";
import { configurationStateNames } from "@flipside/api/configuration-states";
import { bootReasonNames, healthNames, slotStateNames } from "@flipside/image-format/state-names";

export type Operator = "=" | "!=" | "<" | "<=" | ">" | ">=" | "~" | "in" | "like";

/**
 *   text       one text
 *   texts      any number of texts, of which one is enough
 *   number     one number
 *   version    a version, ordered as Semantic Versioning orders them
 *   choice     one of a few words
 *   truth      true or false; the field alone is `= true`
 *   age        how long ago: 30s, 5m, 2h, 3d, 1w
 *   attribute  what the device says it is: a text, a number or a truth
 */
export type Kind = "text" | "texts" | "number" | "version" | "choice" | "truth" | "age" | "attribute";

const order = ["<", "<=", ">", ">="] as const;

export const operatorsOf: Record<Kind, readonly Operator[]> = {
  text: ["=", "!=", "in", "like"],
  texts: ["=", "!=", "in", "like"],
  number: ["=", "!=", ...order, "in"],
  version: ["=", "!=", ...order, "~", "in", "like"],
  choice: ["=", "!=", "in"],
  truth: ["=", "!="],
  age: [...order],
  attribute: ["=", "!=", ...order, "~", "in", "like"],
};

const kinds = {
  id: "text",
  product: "text",
  hardware: "text",
  revision: "number",
  version: "version",
  release: "texts",
  digest: "text",
  slotState: "choice",
  health: "choice",
  bootReason: "choice",
  agent: "choice",
  channel: "choice",
  configuration: "choice",
  online: "truth",
  revoked: "truth",
  lastSeen: "age",
  tag: "texts",
} as const satisfies Record<string, Kind>;

type PlainField = keyof typeof kinds;
export type FieldName = PlainField | `attribute.${string}`;

export const choicesOf: Record<
  Extract<FieldName, "slotState" | "health" | "bootReason" | "agent" | "channel" | "configuration">,
  readonly string[]
> = {
  slotState: slotStateNames,
  health: healthNames,
  bootReason: bootReasonNames,
  agent: agentNames,
  channel: channels,
  configuration: configurationStateNames,
};

/** Without attributes, whose names are the devices'. */
export const fieldNames = Object.keys(kinds) as PlainField[];

const attributePrefix = "attribute.";

/** The name behind `attribute.`; undefined for any other field. */
export const attributeOf = (field: string): string | undefined =>
  field.startsWith(attributePrefix) ? field.slice(attributePrefix.length) : undefined;

export function isField(name: string): name is FieldName {
  const attribute = attributeOf(name);
  return attribute === undefined ? Object.hasOwn(kinds, name) : attributeNamePattern.test(attribute);
}

export const kindOf = (field: FieldName): Kind =>
  attributeOf(field) === undefined ? kinds[field as PlainField] : "attribute";

/** The words that a choice takes; undefined for a field of another kind. */
export const choices = (field: FieldName): readonly string[] | undefined =>
  Object.hasOwn(choicesOf, field) ? choicesOf[field as keyof typeof choicesOf] : undefined;
