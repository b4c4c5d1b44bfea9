// What `npm start` can be told.

import { isIPv4 } from "node:net";
import { parseArgs } from "node:util";

export interface DemoOptions {
  /** Addresses to listen on: for HTTP, and for MQTT. */
  host: string;
  mqttHost: string;
  port: number;
  mqttPort: number;
  isMqttClear: boolean;
  mqttWebSocketPort: number;
  devices: number;
  folder: string;
  auto: boolean;
  seed: number | undefined;
  keep: boolean;
  chapters: string | undefined;
}

export class OptionError extends Error {}

export const usage = `Usage: npm start -- [options]

Starts the whole product on this machine: server, broker, database, console, and a fleet of one unikernel
in QEMU and virtual devices. State is kept under var/ and survives a restart. Ctrl-C stops it.

  --port N               console and HTTP interface (8080; 0: any free port)
  --mqtt-port N          MQTT over TLS by devices' own keys (8883; 0: any free port)
  --mqtt-clear           MQTT in clear instead (1883): whoever listens on the way reads all of it
  --mqtt-websocket-port N
                         MQTT over WebSocket, for the device of "Try to brick it" (9001; 0: any free port)
  --listen ADDRESS       where all listen (127.0.0.1: for this machine alone; 0.0.0.0: for everyone who
                         reaches it, in clear). In the environment: HOST
  --mqtt-listen ADDRESS  the same for MQTT alone (as --listen). In the environment: MQTT_HOST
  --devices N            virtual devices beside the unikernel (24; 0 to 500)
  --folder PATH          where state is kept (var)
  --auto                 run the whole story unattended in a folder of its own, print its summary as one JSON
                         line, and exit 0 only if all of it held
  --seed N               with --auto: replay a run (0 to 4294967295)
  --keep                 with --auto: keep its folder
  --chapters L           with --auto: only these chapters after a and b, such as "ce" (cdefgh)
  --help                 this text
`;

function wholeNumber(name: string, text: string | undefined, fallback: number, max: number): number {
  if (text === undefined) return fallback;
  const value = Number(text);
  if (!/^\d+$/.test(text) || value > max) throw new OptionError(`--${name} ${text}: a whole number from 0 to ${max}`);
  return value;
}

/** The devices of the demo speak IPv4; `::` takes that, too. */
function addressOf(source: string, address: string): string {
  if (address === "localhost") return "127.0.0.1";
  if (isIPv4(address) || address === "::") return address;
  throw new OptionError(
    `${source} ${address}: an IPv4 address of this machine, 0.0.0.0 for all of them, or 127.0.0.1 for this machine alone`,
  );
}

/** The option, else the environment's. */
function listenAddress(
  option: string,
  given: string | undefined,
  variable: string,
  fromEnvironment: string | undefined,
): string | undefined {
  if (given !== undefined) return addressOf(`--${option}`, given);
  return fromEnvironment ? addressOf(`${variable} (environment)`, fromEnvironment) : undefined;
}

function chaptersOf(text: string | undefined): string | undefined {
  if (text !== undefined && !/^[c-h]*$/.test(text)) throw new OptionError(`--chapters ${text}: letters from c to h`);
  return text;
}

/** Throws OptionError with a text for people. */
export function readOptions(
  args: string[],
  defaultFolder: string,
  environment: NodeJS.ProcessEnv = {},
): DemoOptions | "help" {
  let values: Record<string, string | boolean | undefined>;
  try {
    ({ values } = parseArgs({
      args,
      allowPositionals: false,
      options: {
        port: { type: "string" },
        "mqtt-port": { type: "string" },
        "mqtt-clear": { type: "boolean" },
        "mqtt-websocket-port": { type: "string" },
        listen: { type: "string" },
        "mqtt-listen": { type: "string" },
        devices: { type: "string" },
        folder: { type: "string" },
        auto: { type: "boolean" },
        seed: { type: "string" },
        keep: { type: "boolean" },
        chapters: { type: "string" },
        help: { type: "boolean", short: "h" },
      },
    }));
  } catch (error) {
    throw new OptionError(`${(error as Error).message}\n\n${usage}`);
  }
  if (values["help"]) return "help";
  const text = (name: string): string | undefined => values[name] as string | undefined;
  const isMqttClear = values["mqtt-clear"] === true;
  const host = listenAddress("listen", text("listen"), "HOST", environment["HOST"]) ?? "127.0.0.1";
  return {
    host,
    mqttHost: listenAddress("mqtt-listen", text("mqtt-listen"), "MQTT_HOST", environment["MQTT_HOST"]) ?? host,
    port: wholeNumber("port", text("port"), 8080, 65535),
    mqttPort: wholeNumber("mqtt-port", text("mqtt-port"), isMqttClear ? 1883 : 8883, 65535),
    isMqttClear,
    mqttWebSocketPort: wholeNumber("mqtt-websocket-port", text("mqtt-websocket-port"), 9001, 65535),
    devices: wholeNumber("devices", text("devices"), 24, 500),
    folder: text("folder") ?? defaultFolder,
    auto: values["auto"] === true,
    seed: text("seed") === undefined ? undefined : wholeNumber("seed", text("seed"), 0, 0xffffffff),
    keep: values["keep"] === true,
    chapters: chaptersOf(text("chapters")),
  };
}
