// `npm run fleet`. docs/benchmarks.md says what each figure means and what it doesn't.

import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { measureFleet } from "./measure-fleet.ts";
import { measureFloods } from "./measure-floods.ts";
import { type KillFigures, measureKill } from "./measure-kill.ts";
import { fleetTable, floodTable, killTable } from "./tables.ts";

const usage = `npm run fleet -- --devices N [OPTIONS]

  --devices N        devices at protocol level, over MQTT on this machine (1 to 18000)
  --image-bytes N    payload of the image that is rolled out to all (262144)
  --poll-ms N        how often the server lets devices check in (30000)
  --generators N     processes that the devices are in (one for each 5000)
  --seconds N        the rollout is given up after so long (900)
  --alone            without Mosquitto beside it, which takes longer than all else with many devices
  --cpu-profile DIR  the server writes a profile of its processor time there, for Chromium's developer tools
  --json FILE        write the figures as one JSON object
  --help             this text

in place of a rollout to all:

  --flooders N       so many more devices flood the server now and then: what the others' check-ins take meanwhile
  --part-seconds N   how long each calm and each flooded part of that is measured (15)

with a rollout to all:

  --members 2 --kill two servers on a PostgreSQL that is started for it, behind HAProxy, one of which is killed in the
                     middle: how long its devices are without, and whether anything is lost or done twice

The server keeps its data in SQLite in a temporary folder, or in the empty PostgreSQL database that DATABASE_URL names.
Exit status 1: not all devices were confirmed, or something was lost or done twice.
`;

/** Of what a process may have open (ulimit -n, 20,000), with room for the rest. */
const DEVICES_MAX = 18_000;
const DEVICES_PER_GENERATOR = 5_000;

function whole(name: string, text: string, min: number, max: number): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= min && value <= max) return value;
  throw new Error(`--${name} takes a whole number from ${min} to ${max}, not ${text}`);
}

function parse() {
  const { values } = parseArgs({
    options: {
      devices: { type: "string" },
      "image-bytes": { type: "string", default: "262144" },
      "poll-ms": { type: "string", default: "30000" },
      generators: { type: "string" },
      seconds: { type: "string", default: "900" },
      flooders: { type: "string" },
      "part-seconds": { type: "string", default: "15" },
      members: { type: "string", default: "1" },
      kill: { type: "boolean", default: false },
      alone: { type: "boolean", default: false },
      "cpu-profile": { type: "string" },
      json: { type: "string" },
      help: { type: "boolean", short: "h" },
    },
  });
  if (values.kill !== (values.members === "2"))
    throw new Error("--members 2 and --kill belong together: what is measured of two servers is that one is killed");
  if (values.alone && (values.kill || values.flooders !== undefined))
    throw new Error("--alone is of a rollout to all by one server: nothing is beside the others");
  if (values.kill && values.flooders !== undefined) throw new Error("--flooders and --kill are two measurements");
  if (values.kill && values["cpu-profile"] !== undefined)
    throw new Error("--cpu-profile is of one server: leave out --members and --kill");
  return values;
}

const isWhole = (figures: KillFigures): boolean =>
  figures.isCompleted &&
  figures.confirmedStored === figures.devices &&
  figures.neverUnderWay + figures.otherwiseStored + figures.startedAgain + figures.neverStarted === 0;

async function measure(values: ReturnType<typeof parse>) {
  const devices = whole("devices", values.devices!, 1, DEVICES_MAX);
  const generatorsDefault = String(Math.ceil(devices / DEVICES_PER_GENERATOR));
  const folder = values["cpu-profile"];
  const common = {
    devices,
    imageBytes: whole("image-bytes", values["image-bytes"], 1, 4_194_304),
    pollMs: whole("poll-ms", values["poll-ms"], 500, 3_600_000),
    generators: whole("generators", values.generators ?? generatorsDefault, 1, devices),
    rolloutMsMax: whole("seconds", values.seconds, 1, 86_400) * 1_000,
    nodeOptions: folder === undefined ? [] : ["--cpu-prof", `--cpu-prof-dir=${folder}`],
    say: (text: string) => void process.stderr.write(`fleet: ${text}\n`),
  };
  if (values.kill) {
    const figures = await measureKill(common);
    return { figures, table: killTable(figures), isGood: isWhole(figures) };
  }
  if (values.flooders !== undefined) {
    const flooders = whole("flooders", values.flooders, 1, 1_000);
    const partMs = whole("part-seconds", values["part-seconds"], 1, 3_600) * 1_000;
    const figures = await measureFloods({ ...common, flooders, partMs });
    return { figures, table: floodTable(figures), isGood: true };
  }
  const figures = await measureFleet({ ...common, isAlone: values.alone });
  return { figures, table: fleetTable(figures), isGood: figures.confirmed >= devices };
}

async function main(): Promise<void> {
  const values = parse();
  if (values.help) return void process.stdout.write(usage);
  if (values.devices === undefined) throw new Error(`--devices is needed\n\n${usage}`);
  const { figures, table, isGood } = await measure(values);
  console.log(table);
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(figures, null, 2)}\n`);
  if (!isGood) process.exitCode = 1;
}

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(signal, () => process.exit(1));
await main().catch((error: Error) => {
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
});
