// A device's configuration, for people.

import type { Configuration, ConfigurationRefusal, PastConfiguration } from "@flipside/api/types";
import { pairs, table } from "../command-line/table.ts";

export function refusalText({ codeName, appCode, text }: ConfigurationRefusal): string {
  const said = [...(appCode === null ? [] : [`code ${appCode}`]), ...(text ? [text] : [])].join(", ");
  return `${codeName}${said && ` (the app says: ${said})`}`;
}

export function configurationText({ state, desired, reported, refused }: Configuration): string {
  return pairs([
    ["state", state],
    [
      "desired",
      desired === null
        ? "none"
        : `${desired.number}, since ${desired.since} by ${desired.by}: ${JSON.stringify(desired.document)}`,
    ],
    [
      "in force",
      reported === null
        ? "none that the device tells of"
        : `${reported.number}, since ${reported.at}: ${reported.document === null ? `not of this server, SHA-256 ${reported.digest}` : JSON.stringify(reported.document)}`,
    ],
    ...(refused === null ? [] : [["refused", refusalText(refused)] as const]),
  ]);
}

const outcomeOf = ({ sentAt, inForceAt, refused }: PastConfiguration): string =>
  refused !== null
    ? `refused: ${refusalText(refused)}`
    : inForceAt !== null
      ? `in force at ${inForceAt}`
      : sentAt !== null
        ? `sent at ${sentAt}`
        : "not sent";

export function historyText(configurations: readonly PastConfiguration[]): string {
  if (configurations.length === 0) return "no configuration was set yet";
  const rows = configurations.map((each) => [
    String(each.number),
    each.since,
    each.by,
    outcomeOf(each),
    JSON.stringify(each.document),
  ]);
  return table(["NUMBER", "SET AT", "BY", "WHAT BECAME OF IT", "DOCUMENT"], rows);
}
