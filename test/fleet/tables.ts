// The figures of `npm run fleet` for people.

import type { FloodFigures } from "./measure-floods.ts";
import type { FleetFigures } from "./measure-fleet.ts";
import type { KillFigures } from "./measure-kill.ts";

const text = (value: number): string => (value >= 100 ? Math.round(value).toString() : value.toPrecision(3));
const percent = (value: number): string => `${Math.round(value * 100)} %`;

const table = (rows: [string, string][]): string =>
  ["| | |", "|---|---|", ...rows.map(([name, value]) => `| ${name} | ${value} |`)].join("\n");

export function fleetTable(figures: FleetFigures): string {
  const mosquitto = figures.mosquittoBytesPerCpuSecond;
  return table([
    ["devices, proven, confirmed", `${figures.devices}, ${figures.proven}, ${figures.confirmed}`],
    ["seconds", text(figures.seconds)],
    ["processor ms of the server a device", text(figures.cpuMsPerDevice)],
    ["MB a processor second", text(figures.bytesPerCpuSecond / 1e6)],
    ["Mosquitto, MB a processor second", mosquitto === null ? "not installed" : text(mosquitto / 1e6)],
    ["pieces asked for again", `${(figures.reAskRatio * 100).toFixed(2)} %`],
    ["event loop late, p99 and longest, ms", `${text(figures.loopDelayP99Ms)}, ${text(figures.loopDelayMaxMs)}`],
    ["KB of memory a device, idle", text(figures.idleRssBytesPerDevice / 1e3)],
    ["KB of memory a device, in the rollout", text(figures.rssBytesPerDevice / 1e3)],
    ["connections lost", String(figures.droppedConnections)],
  ]);
}

export function floodTable(figures: FloodFigures): string {
  const { calmP50Ms, calmP95Ms, floodedP50Ms, floodedP95Ms } = figures;
  return table([
    ["devices, and beside them flood", `${figures.devices}, ${figures.flooders}`],
    ["check-in to answer, calm, p50 and p95, ms", `${text(calmP50Ms)}, ${text(calmP95Ms)}`],
    ["the same beside the floods", `${text(floodedP50Ms)}, ${text(floodedP95Ms)}`],
    ["p95 flooded / calm (goal: at most 2)", text(floodedP95Ms / calmP95Ms)],
    ["check-ins answered, calm and flooded", `${figures.calmAnswers}, ${figures.floodedAnswers}`],
    [
      "processor of the server, calm and flooded",
      `${percent(figures.calmCpuShare)}, ${percent(figures.floodedCpuShare)}`,
    ],
    ["messages that the flooders' connections took", String(figures.floodMessages)],
    ["connections of others lost", String(figures.droppedConnections)],
  ]);
}

export function killTable(figures: KillFigures): string {
  const { underWayAgainP50S, underWayAgainP95S, underWayAgainMaxS } = figures;
  return table([
    ["devices, and of them cut off by the kill", `${figures.devices}, ${figures.cutOff}`],
    [
      "under way again after, p50, p95 and last, s (goal: at most 10)",
      [underWayAgainP50S, underWayAgainP95S, underWayAgainMaxS].map(text).join(", "),
    ],
    ["never under way again", String(figures.neverUnderWay)],
    ["confirmed, by devices and by the database", `${figures.confirmed}, ${figures.confirmedStored}`],
    ["deployments otherwise, or with a second attempt", String(figures.otherwiseStored)],
    ["devices that started the image again, or never", `${figures.startedAgain}, ${figures.neverStarted}`],
    ["seconds; completed", `${text(figures.seconds)}; ${figures.isCompleted ? "yes" : "no"}`],
  ]);
}
