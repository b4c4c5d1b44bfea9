// Devices as comma-separated values (RFC 4180), the same from the server, the command line and the console.
//
// A spreadsheet takes a text that begins with = + - @, a tab or a line break for a formula, and devices say what they
// like: such a text has an apostrophe before it, which spreadsheets leave out.

import type { Device } from "./types.ts";

type Cell = string | number | boolean | null | undefined;

const columns: readonly (readonly [head: string, cell: (device: Device) => Cell])[] = [
  ["id", ({ id }) => id],
  ["product", ({ product }) => product],
  ["hardware", ({ hardware }) => hardware],
  ["revision", ({ revision }) => revision],
  ["version", ({ running }) => running?.version],
  ["digest", ({ running }) => running?.digest],
  ["slot", ({ running }) => running?.slot],
  ["slotState", ({ running }) => running?.state],
  ["otherVersion", ({ other }) => other?.version],
  ["otherState", ({ other }) => other?.state],
  ["otherReason", ({ other }) => other?.reasonName],
  ["health", ({ health }) => health],
  ["online", ({ online }) => online],
  ["revoked", ({ revoked }) => revoked],
  ["lastSeenAt", ({ lastSeenAt }) => lastSeenAt],
  ["enrolledAt", ({ enrolledAt }) => enrolledAt],
  ["bootReason", ({ bootReason }) => bootReason],
  ["bootCounter", ({ bootCounter }) => bootCounter],
  ["securityFloor", ({ securityFloor }) => securityFloor],
  ["trustVersion", ({ trustVersion }) => trustVersion],
  ["agent", ({ agent }) => agent],
  ["channel", ({ channel }) => channel],
  ["configuration", ({ configurationState }) => configurationState],
  ["tags", ({ tags }) => tags.join(" ")],
  ["attributes", ({ attributes }) => (Object.keys(attributes).length === 0 ? null : JSON.stringify(attributes))],
  ["updateState", ({ activeDeployment }) => activeDeployment?.state],
  ["updateVersion", ({ activeDeployment }) => activeDeployment?.version],
];

const formulaStart = /^[=+\-@\t\r\n]/;

function cellText(cell: Cell): string {
  if (cell === null || cell === undefined) return "";
  if (typeof cell !== "string") return String(cell);
  const text = formulaStart.test(cell) ? `'${cell}` : cell;
  return /[",\r\n]|^\s|\s$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

const lineOf = (cells: readonly Cell[]): string => `${cells.map(cellText).join(",")}\r\n`;

export const deviceCsvHead = lineOf(columns.map(([head]) => head));

/** With its line break. */
export const deviceCsvLine = (device: Device): string => lineOf(columns.map(([, cell]) => cell(device)));
