// The conventional system: Debian's cloud kernel, and BusyBox in an initramfs that has nothing but what serves one file
// over HTTP. Kernel and BusyBox come from Debian's packages, which are unpacked and not installed.

import { copyFileSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { cached, hashOf } from "../../../apps/agent/build/cache.ts";
import { hasCommand, runTool } from "../../../apps/agent/build/run-tool.ts";

/** In the order of what needs what. virtio_net goes through them to the card that QEMU has. */
const MODULES = [
  "drivers/virtio/virtio_ring",
  "drivers/virtio/virtio",
  "drivers/virtio/virtio_pci_legacy_dev",
  "drivers/virtio/virtio_pci_modern_dev",
  "drivers/virtio/virtio_pci",
  "net/core/failover",
  "drivers/net/net_failover",
  "drivers/net/virtio_net",
];
const META_PACKAGE = "linux-image-cloud-amd64";
const BUSYBOX_PACKAGE = "busybox-static";
/** The address is told, as to the device beside it; nothing is started but the server, as process 1. */
const INIT = `#!/bin/busybox sh
for module in ${MODULES.map((path) => path.split("/").at(-1)).join(" ")}; do /bin/busybox insmod /modules/$module.ko; done
/bin/busybox ip address add 10.0.2.15/24 dev eth0
/bin/busybox ip link set eth0 up
/bin/busybox ip route add default via 10.0.2.2
exec /bin/busybox httpd -f -p 80 -h /www
`;

export interface LinuxImage {
  kernelPath: string;
  initramfsPath: string;
  /** Both together. */
  bytes: number;
  release: string;
}

/** What is missing here to build and run it; empty: nothing. */
export function missingForLinux(): string[] {
  return ["qemu-system-x86_64", "apt-get", "dpkg-deb"].filter((command) => !hasCommand(command));
}

interface Entry {
  path: string;
  mode: number;
  data?: Uint8Array;
  device?: [major: number, minor: number];
}

const FOLDER = 0o040755;
const PROGRAM = 0o100755;
const FILE = 0o100644;
const CHARACTER_DEVICE = 0o020600;

/** The format of initramfs ("newc", Documentation/driver-api/early-userspace/buffer-format.rst). */
function cpioOf(entries: Entry[]): Buffer {
  const padded = (bytes: Uint8Array): Buffer => Buffer.concat([bytes, Buffer.alloc(-bytes.length & 3)]);
  const written = ({ path, mode, data = new Uint8Array(), device = [0, 0] }: Entry, inode: number): Buffer => {
    const name = Buffer.from(`${path}\0`);
    const numbers = [inode, mode, 0, 0, 1, 0, data.length, 0, 0, ...device, name.length, 0];
    const head = `070701${numbers.map((value) => value.toString(16).padStart(8, "0")).join("")}`;
    return Buffer.concat([padded(Buffer.concat([Buffer.from(head), name])), padded(data)]);
  };
  return Buffer.concat([...entries, { path: "TRAILER!!!", mode: 0 }].map((entry, i) => written(entry, i + 1)));
}

/** Packages are looked up by apt in what it knows of its archives. */
async function unpack(packages: string[], folder: string): Promise<void> {
  await runTool("apt-get", ["-q", "-o", "APT::Sandbox::User=root", "download", ...packages], { cwd: folder });
  for (const file of readdirSync(folder).filter((name) => name.endsWith(".deb")))
    await runTool("dpkg-deb", ["-x", file, "."], { cwd: folder });
}

/** `file` is what the server serves at `/status.json`. */
export async function buildLinuxImage(file: Uint8Array): Promise<LinuxImage> {
  const depends = /Depends: (linux-image-\S+)/.exec(await runTool("apt-cache", ["depends", META_PACKAGE]));
  if (!depends) throw new Error(`apt knows no ${META_PACKAGE}: run apt-get update`);
  const kernelPackage = depends[1]!;
  const release = kernelPackage.replace("linux-image-", "");
  const versions = await runTool("apt-cache", ["policy", kernelPackage, BUSYBOX_PACKAGE]);
  const candidates = versions.match(/Candidate: \S+/g) ?? [];
  const folder = await cached("linux", hashOf([kernelPackage, ...candidates, INIT, file]), async (target) => {
    await unpack([kernelPackage, BUSYBOX_PACKAGE], target);
    const modules = MODULES.map((path) => ({
      path: `modules/${path.split("/").at(-1)}.ko`,
      mode: FILE,
      data: readFileSync(join(target, `lib/modules/${release}/kernel/${path}.ko`)),
    }));
    const entries = [
      ...["bin", "dev", "modules", "www"].map((path) => ({ path, mode: FOLDER })),
      { path: "dev/console", mode: CHARACTER_DEVICE, device: [5, 1] as [number, number] },
      { path: "bin/busybox", mode: PROGRAM, data: readFileSync(join(target, "bin/busybox")) },
      { path: "init", mode: PROGRAM, data: Buffer.from(INIT) },
      { path: "www/status.json", mode: FILE, data: file },
      ...modules,
    ];
    writeFileSync(join(target, "initramfs"), gzipSync(cpioOf(entries), { level: 9 }));
    copyFileSync(join(target, `boot/vmlinuz-${release}`), join(target, "kernel"));
  });
  const kernelPath = join(folder, "kernel");
  const initramfsPath = join(folder, "initramfs");
  return { kernelPath, initramfsPath, bytes: statSync(kernelPath).size + statSync(initramfsPath).size, release };
}
