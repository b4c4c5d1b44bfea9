// `npm run fleet`. docs/benchmarks.md says what each figure means and what it doesn't.

import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { type FleetFigures, measureFleet } from "./measure-fleet.ts";

const usage = `npm run fleet -- --devices N [OPTIONS]

  --devices N        devices at protocol level, over MQTT on this machine (1 to 18000)
  --image-bytes N    payload of the image that is rolled out to all (262144)
  --poll-ms N        how often the server lets devices check in (30000)
  --generators N     processes that the devices are in (one for each 5000)
  --seconds N        the rollout is given up after so long (900)
  --cpu-profile DIR  the server writes a profile of its processor time there, for Chromium's developer tools
  --json FILE        write the figures as one JSON object
  --help             this text

The server keeps its data in SQLite in a temporary folder, or in the empty PostgreSQL database that DATABASE_URL names.
Exit status 1: not all devices were confirmed.
`;

/** Of what a process may have open (ulimit -n, 20,000), with room for the rest. */
const DEVICES_MAX = 18_000;
const DEVICES_PER_GENERATOR = 5_000;

function whole(name: string, text: string, min: number, max: number): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= min && value <= max) return value;
  throw new Error(`--${name} takes a whole number from ${min} to ${max}, not ${text}`);
}

function table(figures: FleetFigures): string {
  const text = (value: number): string => (value >= 100 ? Math.round(value).toString() : value.toPrecision(3));
  const mosquitto = figures.mosquittoBytesPerCpuSecond;
  const rows: [string, string][] = [
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
  ];
  return ["| | |", "|---|---|", ...rows.map(([name, value]) => `| ${name} | ${value} |`)].join("\n");
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      devices: { type: "string" },
      "image-bytes": { type: "string", default: "262144" },
      "poll-ms": { type: "string", default: "30000" },
      generators: { type: "string" },
      seconds: { type: "string", default: "900" },
      "cpu-profile": { type: "string" },
      json: { type: "string" },
      help: { type: "boolean", short: "h" },
    },
  });
  if (values.help) return void process.stdout.write(usage);
  if (values.devices === undefined) throw new Error(`--devices is needed\n\n${usage}`);
  const devices = whole("devices", values.devices, 1, DEVICES_MAX);
  const generatorsDefault = String(Math.ceil(devices / DEVICES_PER_GENERATOR));
  const folder = values["cpu-profile"];
  const figures = await measureFleet({
    devices,
    imageBytes: whole("image-bytes", values["image-bytes"], 1, 4_194_304),
    pollMs: whole("poll-ms", values["poll-ms"], 500, 3_600_000),
    generators: whole("generators", values.generators ?? generatorsDefault, 1, devices),
    rolloutMsMax: whole("seconds", values.seconds, 1, 86_400) * 1_000,
    nodeOptions: folder === undefined ? [] : ["--cpu-prof", `--cpu-prof-dir=${folder}`],
    say: (text) => void process.stderr.write(`fleet: ${text}\n`),
  });
  console.log(table(figures));
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(figures, null, 2)}\n`);
  if (figures.confirmed < devices) process.exitCode = 1;
}

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(signal, () => process.exit(1));
await main().catch((error: Error) => {
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
});
