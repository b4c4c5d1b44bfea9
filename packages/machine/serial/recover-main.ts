// The command line of recovery: brings an image to a device over its serial line.

import { execFileSync } from "node:child_process";
import { closeSync, constants, createWriteStream, openSync, readFileSync } from "node:fs";
import { connect } from "node:net";
import { Duplex } from "node:stream";
import { ReadStream } from "node:tty";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { describeImage, errorName, FormatError, splitRelease } from "@flipside/image-format";
import { recoverDevice, type RecoveringDevice, RecoveryError } from "./sender.ts";

const usage = `Usage: recover (--serial PATH | --qemu-socket PATH) [options] FILE

Brings an image to a device in recovery ("recovery: code ..." on its console). The device checks it as any other: signature,
product, hardware, security floor. FILE is a release, of which the device's image is taken, or an image file.

  --serial PATH        serial port, such as /dev/ttyUSB0
  --baud N             its speed (115200)
  --qemu-socket PATH   Unix socket of a unikernel in QEMU
  --wait SECONDS       give up when the device has not answered for so long (60)
`;

export interface Output {
  out(text: string): void;
  error(text: string): void;
}

interface Task {
  file: string;
  openLine: () => Duplex | Promise<Duplex>;
  silenceMs: number;
}

/** What the command line asks for; or what to say instead, and with which exit status. */
function taskOf(argv: string[]): Task | { status: 0 | 2; text: string } {
  let parsed;
  try {
    parsed = parseArgs({
      args: argv,
      allowPositionals: true,
      options: {
        serial: { type: "string" },
        "qemu-socket": { type: "string" },
        baud: { type: "string", default: "115200" },
        wait: { type: "string", default: "60" },
        help: { type: "boolean", default: false },
      },
    });
  } catch (error) {
    return { status: 2, text: `${(error as Error).message}\n\n${usage}` };
  }
  const { values, positionals } = parsed;
  if (values.help) return { status: 0, text: usage };
  const { serial, "qemu-socket": socket, baud } = values;
  const waitS = Number(values.wait);
  const isUsable =
    positionals.length === 1 && (serial === undefined) !== (socket === undefined) && waitS > 0 && /^\d+$/.test(baud);
  if (!isUsable) return { status: 2, text: usage };
  return {
    file: positionals[0]!,
    openLine: () => (serial !== undefined ? openSerialPort(serial, baud) : openSocket(socket!)),
    silenceMs: 1000 * waitS,
  };
}

/** Every tenth part, and the end. */
function progressLines({ out }: Output): { begin: () => void; at: (sent: number, total: number) => void } {
  let shownPercent = -10;
  return {
    begin: () => void (shownPercent = -10),
    at(sent, total) {
      const percent = Math.floor((100 * sent) / total);
      if (percent < shownPercent + 10 && sent !== total) return;
      shownPercent = percent;
      out(`${String(percent).padStart(3)} %  ${sent} of ${total} bytes\n`);
    },
  };
}

/** Runs the command. Exit status: 0 done, 1 it did not work, 2 the command line can't be used. */
export async function recover(
  argv: string[],
  output: Output = { out: (text) => void process.stdout.write(text), error: (text) => void process.stderr.write(text) },
): Promise<number> {
  const task = taskOf(argv);
  if ("status" in task) {
    if (task.status === 0) output.out(task.text);
    else output.error(task.text);
    return task.status;
  }

  let line: Duplex | undefined;
  try {
    const choose = await imageChooser(task.file);
    line = await task.openLine();
    output.out(`waiting for a device in recovery ...\n`);
    const progress = progressLines(output);
    const { slot } = await recoverDevice({
      line,
      silenceMs: task.silenceMs,
      chooseImage: choose,
      onDevice: (device) => output.out(describe(device)),
      onRestart: () => {
        progress.begin();
        output.out("the device was reset; beginning anew\n");
      },
      onProgress: progress.at,
    });
    output.out(`stored in slot ${slot} as a candidate; the device starts it now, and it has to prove itself\n`);
    return 0;
  } catch (error) {
    if (!isForPeople(error)) throw error;
    output.error(`recover: ${error.message}\n`);
    return 1;
  } finally {
    line?.destroy();
  }
}

const isForPeople = (error: unknown): error is Error =>
  error instanceof RecoveryError || error instanceof FormatError || error instanceof UnfitFile || isSystemError(error);

class UnfitFile extends Error {}

function isSystemError(error: unknown): error is Error {
  return error instanceof Error && typeof (error as NodeJS.ErrnoException).code === "string";
}

function describe(device: RecoveringDevice): string {
  const why = (code: number): string => (code === 0 ? "nothing in it" : `${errorName(code)} (${code})`);
  return (
    `${device.deviceId || "a device without identity"}: ${device.product} on ${device.hardware.name}, revision ${device.hardware.revision}, security floor ${device.securityFloor}\n` +
    `in recovery because of ${device.reasonName} (${device.reason}); slot a: ${why(device.codes[0])}; slot b: ${why(device.codes[1])}\n`
  );
}

/** Reads the file at once, so that a wrong one is known before anybody waits for a device. */
async function imageChooser(path: string): Promise<(device: RecoveringDevice) => Uint8Array> {
  const images = splitRelease(new Uint8Array(readFileSync(path)));
  const described = await Promise.all(
    images.map(async (bytes) => ({ bytes, description: await describeImage(bytes) })),
  );
  return (device) => {
    const fitting = described.find(
      ({ description }) => description.product === device.product && description.hardware.name === device.hardware.name,
    );
    if (fitting) return fitting.bytes;
    const held = described
      .map(({ description }) => `${description.product} on ${description.hardware.name}`)
      .join(", ");
    throw new UnfitFile(`${path} has no image for ${device.product} on ${device.hardware.name}; it has ${held}`);
  };
}

function openSocket(path: string): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    const socket = connect({ path });
    socket.once("connect", () => resolve(socket));
    socket.once("error", reject);
  });
}

/** A terminal device: no echo, no line editing, no translation of bytes. */
function openSerialPort(path: string, baud: string): Duplex {
  const fd = openSync(path, constants.O_RDWR | constants.O_NOCTTY | constants.O_NONBLOCK);
  try {
    execFileSync(
      "stty",
      [process.platform === "darwin" ? "-f" : "-F", path, baud, "raw", "-echo", "cs8", "-cstopb", "-parenb", "clocal"],
      { stdio: ["ignore", "ignore", "pipe"], timeout: 10_000 },
    );
  } catch (error) {
    closeSync(fd);
    throw new UnfitFile(
      `${path} can't be set up as a serial port: ${(error as { stderr?: Buffer }).stderr?.toString().trim() || (error as Error).message}`,
    );
  }
  const readable = new ReadStream(fd);
  const writable = createWriteStream(path, { flags: "r+" });
  const port = new Duplex({
    read() {},
    write: (chunk: Buffer, _encoding, done) => void writable.write(chunk, done),
    destroy(error, done) {
      readable.destroy();
      writable.destroy();
      done(error);
    },
  });
  readable.on("data", (bytes: Buffer) => port.push(bytes));
  // A port that is unplugged.
  for (const end of [readable, writable]) end.on("error", () => port.destroy()).on("close", () => port.destroy());
  return port;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  process.exitCode = await recover(process.argv.slice(2));
}
