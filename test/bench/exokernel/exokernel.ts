// `npm run bench -- --exokernel`: what exokernels and unikernels promise, each beside Linux with BusyBox under the same
// emulator in the same run where there is something to put beside. Each row says what it leaves out.
// docs/decisions/0044-beside-a-conventional-system.md says how the comparison is made fair, docs/benchmarks.md what the
// figures mean.

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { buildPayloads } from "../../../apps/agent/build/build-release.ts";
import { type LinkedProgram, symbolsOf } from "../../../apps/agent/build/link.ts";
import type { Table } from "../figures.ts";
import type { Spread } from "../statistics.ts";
import { type DensityFigures, HOST_KIB, measureDevices, measureLinuxGuests, measureVirtualDevices } from "./density.ts";
import { type FeatureSizes, measureFeatureSizes, networkImage } from "./feature-sizes.ts";
import { DeviceGuest, type Guest, LINUX_RAM_MIB, LinuxGuest } from "./guests.ts";
import { firstByte } from "./http-client.ts";
import { buildLinuxImage, type LinuxImage, missingForLinux } from "./linux-image.ts";
import { type MemoryShare, totalOf } from "./memory.ts";
import { PathPlugin } from "./path-plugin.ts";
import { type CopyFigures, costWithConnection, countCopies, LARGE_BYTES, measureRequestPath } from "./request-path.ts";
import type { RequestPathFigures } from "./request-path.ts";
import { measureRealTime, type RealTimeFigures } from "./real-time.ts";
import { measureScheduling, type SchedulingFigures } from "./scheduling.ts";
import { countStart, timeStarts } from "./start.ts";

/** At 125 MIPS. */
const JITTER_NS_GOAL = 1_000;
const START_TIMES = 7;
const START_TIMEOUT_MS = 60_000;
const QEMU_DEVICE = "qemu-system-riscv32";
const QEMU_LINUX = "qemu-system-x86_64";
/** The whole system with HTTP, TLS, MQTT and update. */
const WHOLE_WITH_TLS_BYTES_GOAL = 112 * 1024;
/** The address is told to both systems: neither waits for a server of addresses. */
const TOLD = { without: ["dhcp", "dns"] } as const;
/** What Linux serves as a file; the device's is made anew for each request. */
const LINUX_STATUS = Buffer.from(
  JSON.stringify({ device: "linux", version: "6.1", slot: "a", trial: "none", boot: 1, uptimeMs: 0, keys: 0 }),
);

export interface ExokernelFigures {
  start: {
    /** Medians, in ms from the start of QEMU. */
    deviceMs: number;
    deviceWithDhcpMs: number;
    linuxMs?: number;
    deviceInstructions: number;
    linuxInstructions?: number;
    linuxImageBytes?: number;
  };
  requestPath: RequestPathFigures & CopyFigures & { linuxStatusWithConnection?: number };
  scheduling: SchedulingFigures;
  realTime: RealTimeFigures;
  sizes: FeatureSizes;
  density: DensityFigures & { devices: number; linuxGuests?: number; virtualDevices: number };
}

interface Bench {
  folder: string;
  table: Table;
  plugin: PathPlugin;
  linux: LinuxImage | undefined;
  /** The image of network and HTTP with an address that it is told. */
  program: LinkedProgram;
  sliceMinutes: number;
  say: (text: string) => void;
}

const subfolder = (bench: Bench, name: string): string => {
  const path = join(bench.folder, name);
  mkdirSync(path);
  return path;
};

const networkProgram = async (
  options: Parameters<typeof buildPayloads>[0] = { features: TOLD },
): Promise<LinkedProgram> => (await buildPayloads({ ...networkImage, ...options })).unikernel;

const noteOf = ({ min, max, count }: Spread): string => `min ${min.toFixed(0)}, max ${max.toFixed(0)}, ${count} starts`;

async function benchStart(bench: Bench): Promise<ExokernelFigures["start"]> {
  const { table, linux, plugin } = bench;
  bench.say("starts");
  const guests = new Map<string, Guest>([
    ["device", await DeviceGuest.make(subfolder(bench, "start"), bench.program)],
    ["device with DHCP", await DeviceGuest.make(subfolder(bench, "start-dhcp"), await networkProgram({}))],
  ]);
  if (linux) guests.set("linux", await LinuxGuest.make(linux));
  const times = await timeStarts(guests, START_TIMES);
  const watch = plugin.watch(QEMU_DEVICE);
  const counted = await DeviceGuest.make(subfolder(bench, "start-counted"), bench.program, {
    qemuPath: watch.qemuPath,
  });
  const deviceInstructions = await countStart(counted, watch);
  const device = times.get("device")!;
  const withDhcp = times.get("device with DHCP")!;
  table.row("start: device, first byte over HTTP", device.median, "ms", `median; ${noteOf(device)}`);
  table.row(
    "  the same with DHCP",
    withDhcp.median,
    "ms",
    `${noteOf(withDhcp)}; up to 0.5 s of it are waits on purpose`,
  );
  table.row("  instructions", deviceInstructions, "RV32", "loader, with the image's signature and hashes, included");
  const leavesOut = (): void =>
    table.leavesOut("real hardware, whose flash and cards take time; both translators run other instructions");
  const figures = { deviceMs: device.median, deviceWithDhcpMs: withDhcp.median, deviceInstructions };
  if (!linux) {
    leavesOut();
    return figures;
  }
  const spread = times.get("linux")!;
  const linuxWatch = plugin.watch(QEMU_LINUX);
  const linuxInstructions = await countStart(await LinuxGuest.make(linux, linuxWatch.qemuPath), linuxWatch);
  table.row("  Linux and BusyBox beside it", spread.median, "ms", `median; ${noteOf(spread)}; kernel ${linux.release}`);
  table.row("  instructions", linuxInstructions, "x86-64", "firmware and unpacking included; nothing is verified");
  table.row("  kernel and initramfs", linux.bytes, "B", "both compressed");
  leavesOut();
  return { ...figures, linuxMs: spread.median, linuxInstructions, linuxImageBytes: linux.bytes };
}

async function benchRequestPath(bench: Bench): Promise<ExokernelFigures["requestPath"]> {
  const { table, plugin, linux } = bench;
  bench.say("requests");
  const marked = await networkProgram({ features: TOLD, pathProbe: "marks" });
  const watch = plugin.watch(QEMU_DEVICE, (await symbolsOf(marked.elfPath)).get("path_mark"));
  const device = await DeviceGuest.make(subfolder(bench, "requests"), marked, { qemuPath: watch.qemuPath });
  const path = await measureRequestPath(device, watch);
  const counting = await networkProgram({ features: TOLD, pathProbe: "copies" });
  const copies = await countCopies(
    await DeviceGuest.make(subfolder(bench, "copies"), counting),
    (await symbolsOf(counting.elfPath)).get("path_copied")!,
  );
  const all = (cost: { instructions: number }): string => `${cost.instructions} in all, with acknowledgements`;
  table.row("request: status page, interrupt to answer", path.status.interruptToAnswer, "RV32", all(path.status));
  table.row("  GET of 16 bytes", path.getSmall.interruptToAnswer, "RV32", all(path.getSmall));
  table.row("  PUT of 16 bytes", path.putSmall.interruptToAnswer, "RV32", all(path.putSmall));
  table.row(`  GET of ${LARGE_BYTES} bytes`, path.getLarge.instructions, "RV32", "in all, with acknowledgements");
  table.row(`  PUT of ${LARGE_BYTES} bytes`, path.putLarge.instructions, "RV32", "in all, with acknowledgements");
  table.row("  copies of a byte that is PUT", copies.putCopies * 100, "in 100", "goal: none; see docs/http.md");
  table.row("  copies of a byte that is got", copies.getCopies * 100, "in 100", "goal: none; see docs/http.md");
  table.row("  status page with a connection of its own", path.statusWithConnection, "RV32", "in all");
  const leavesOut = (): void =>
    table.leavesOut(
      "many clients at once, losses, TLS; the card's own work; another server on Linux, which need not fork",
    );
  const figures = { ...path, ...copies };
  if (!linux) {
    leavesOut();
    return figures;
  }
  const linuxWatch = plugin.watch(QEMU_LINUX);
  const guest = await LinuxGuest.make(linux, linuxWatch.qemuPath);
  guest.start();
  try {
    await firstByte(guest.port, START_TIMEOUT_MS);
    const linuxStatusWithConnection = await costWithConnection(guest, linuxWatch);
    table.row("  the same of Linux and BusyBox", linuxStatusWithConnection, "x86-64", "a file; it forks for each");
    leavesOut();
    return { ...figures, linuxStatusWithConnection };
  } finally {
    await guest.stop();
  }
}

async function benchScheduling(bench: Bench): Promise<SchedulingFigures> {
  const { table } = bench;
  bench.say("requests beside downloads");
  const figures = await measureScheduling(subfolder(bench, "scheduling"), bench.plugin);
  const { shortestRemainingFirst: shortest, firstComeFirstServed: inOrder } = figures;
  for (const [name, waits] of [
    ["scheduling: least left first, p50", shortest],
    ["  in the order of coming, p50", inOrder],
  ] as const)
    table.row(
      name,
      waits.p50,
      "RV32",
      `p99 ${waits.p99}, most ${waits.max}; ${waits.downloadedBytes} B downloaded a request`,
    );
  table.leavesOut(
    "preemption: a run of a download (4 KiB hashed and programmed) is not interrupted; Linux, which has no such build",
  );
  return figures;
}

async function benchRealTime(bench: Bench): Promise<RealTimeFigures> {
  const { table, sliceMinutes } = bench;
  bench.say(`a slice of a thousand ticks a second: ${sliceMinutes} minutes of virtual time`);
  const figures = await measureRealTime(subfolder(bench, "real-time"), sliceMinutes);
  const { ticks, jitterMaxNs, longestTickNs, downloadedBytes, requests, stoppedAfterNs } = figures;
  const load = `${ticks} ticks beside ${requests} requests and ${downloadedBytes} B hashed and written to flash`;
  table.row("hard real time: latest tick", jitterMaxNs, "ns", `goal: at most ${JITTER_NS_GOAL}, at 125 MIPS; ${load}`);
  table.row(
    "  longest tick",
    longestTickNs,
    "ns",
    "of an app that reports health and one metric; its budget is 100 000",
  );
  table.row("  a tick that does not end is stopped after", stoppedAfterNs, "ns", "and its app is unhealthy");
  table.leavesOut(
    "real processors, with caches and buses; flash that takes time to erase; TLS; several slices; a download at full speed",
  );
  return figures;
}

async function benchSizes(bench: Bench): Promise<FeatureSizes> {
  const { table } = bench;
  bench.say("sizes by feature");
  const sizes = await measureFeatureSizes();
  const { bytes: whole, usefulBytes: used } = sizes.default;
  table.row("size: default image", whole, "B", `without TLS; ${used} without padding`);
  for (const [name, size] of Object.entries(sizes.changed)) {
    const isLoader = name.endsWith("recovery");
    const difference = size.usefulBytes - (isLoader ? sizes.loader.usefulBytes : used);
    const goal = name === "with http" ? `; goal with TLS, too: at most ${WHOLE_WITH_TLS_BYTES_GOAL}` : "";
    table.row(
      `  ${isLoader ? "loader " : ""}${name}`,
      size.bytes,
      "B",
      `${difference > 0 ? "+" : ""}${difference} without padding${goal}`,
    );
  }
  table.row("  network and HTTP alone", sizes.network.bytes, "B", `${sizes.network.usefulBytes} without padding`);
  table.row(
    "  the same without dhcp, dns and icmp",
    sizes.networkLeast.bytes,
    "B",
    `${sizes.networkLeast.usefulBytes} without padding`,
  );
  table.leavesOut("TLS, which is not in any of them yet; sizes of other processors' code");
  return sizes;
}

const describe = ({ guestRam, flash, translated, emulator }: MemoryShare): string =>
  `the guest's RAM ${guestRam}, flash ${flash}, translated code ${translated}, emulator ${emulator} KiB`;

async function benchDensity(bench: Bench): Promise<ExokernelFigures["density"]> {
  const { table, linux } = bench;
  bench.say("memory of guests side by side");
  const held = (kib: number): number => Math.floor(HOST_KIB / kib);
  const device = await measureDevices(subfolder(bench, "density"), bench.program);
  const devices = held(totalOf(device));
  table.row("density: unikernels in 24 GiB", devices, "", `${totalOf(device)} KiB each: ${describe(device)}`);
  table.row(
    "  by what the guest alone needs",
    held(device.guestRam),
    "",
    "its RAM; flash would be read from the files",
  );
  const linuxShare = linux ? await measureLinuxGuests(linux) : undefined;
  const linuxGuests = linuxShare ? held(totalOf(linuxShare)) : undefined;
  if (linuxShare)
    table.row(
      "  Linux guests",
      linuxGuests!,
      "",
      `${totalOf(linuxShare)} KiB each, of ${LINUX_RAM_MIB} MiB: ${describe(linuxShare)}`,
    );
  const virtualDeviceKib = await measureVirtualDevices(subfolder(bench, "virtual"));
  const virtualDevices = held(virtualDeviceKib);
  table.row("  virtual devices", virtualDevices, "", `${virtualDeviceKib} KiB each, threads of one process`);
  table.leavesOut(
    "processor time, which ends sooner; the host's own kernel; that many were not started, a few were measured",
  );
  return {
    device,
    virtualDeviceKib,
    devices,
    virtualDevices,
    ...(linuxShare ? { linux: linuxShare } : {}),
    ...(linuxGuests === undefined ? {} : { linuxGuests }),
  };
}

/** @param folder exists */
export async function measureExokernel(options: {
  folder: string;
  table: Table;
  /** Of virtual time, for hard real time. */
  sliceMinutes: number;
  say: (text: string) => void;
}): Promise<ExokernelFigures> {
  const missing = missingForLinux();
  if (missing.length > 0)
    options.say(`without Linux beside it: ${missing.join(", ")} missing (Debian: qemu-system-x86, apt, dpkg)`);
  options.say("building");
  const bench: Bench = {
    ...options,
    plugin: await PathPlugin.build(options.folder),
    linux: missing.length > 0 ? undefined : await buildLinuxImage(LINUX_STATUS),
    program: await networkProgram(),
  };
  return {
    start: await benchStart(bench),
    requestPath: await benchRequestPath(bench),
    scheduling: await benchScheduling(bench),
    realTime: await benchRealTime(bench),
    sizes: await benchSizes(bench),
    density: await benchDensity(bench),
  };
}
