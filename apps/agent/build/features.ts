// Features of a build: what an image, or a loader, has or has not. Each is a file with another one beside it that has
// the same exports and does nothing; the compiler reads one of the two, so what is configured away is not in the image,
// and no source asks whether it is there. docs/features.md says what a device is without each.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { repositoryRoot } from "./paths.ts";
import { ToolError } from "./run-tool.ts";

interface Feature {
  /** Whose: `flipside build` makes images. */
  of: "image" | "loader";
  /** Whether a build has it that says nothing of it. */
  isDefault: boolean;
  /** The file that is compiled where nothing is said, from src. */
  file: string;
  /** What is compiled in its place: with the feature where that is not the default, else without it. */
  other: string;
  what: string;
}

export const features = {
  http: {
    of: "image",
    isDefault: false,
    file: "local/service.ts",
    other: "local/service-http.ts",
    what: "a status page and a key-value service on port 80",
  },
  dhcp: {
    of: "image",
    isDefault: true,
    file: "net/dhcp-client.ts",
    other: "absent/dhcp-client.ts",
    what: "an address from the network; without it the build says which",
  },
  dns: {
    of: "image",
    isDefault: true,
    file: "net/dns-client.ts",
    other: "absent/dns-client.ts",
    what: "names of servers; without it a server is named by its address",
  },
  icmp: {
    of: "image",
    isDefault: true,
    file: "net/icmp.ts",
    other: "absent/icmp.ts",
    what: "answers to ping, and routers' word that a packet is too large",
  },
  recovery: {
    of: "loader",
    isDefault: true,
    file: "boot/recovery.ts",
    other: "absent/recovery.ts",
    what: "images over the serial line, when none can be started",
  },
} as const satisfies Record<string, Feature>;

export type FeatureName = keyof typeof features;
export const featureNames = Object.keys(features) as FeatureName[];

/** Those of `flipside build`. */
export const imageFeatureNames = featureNames.filter((name) => features[name].of === "image");

export interface StaticAddress {
  /** Dotted, all of them. */
  address: string;
  mask: string;
  router: string;
  nameServer?: string;
}

/** What a build is to have besides the default, and what of that it is not to have. */
export interface FeatureChoice {
  with?: readonly FeatureName[];
  without?: readonly FeatureName[];
  /** For a build without dhcp; by default QEMU's user network (src/net/static-address.ts). */
  address?: StaticAddress;
}

const sources = "apps/agent/src/";
const textOf = (file: string): string => readFileSync(join(repositoryRoot, sources, file), "utf8");

/** As a number in host order. @throws ToolError where it is no IPv4 address */
function addressNumber(text: string, what: string): number {
  const parts = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text)?.slice(1).map(Number);
  if (!parts || parts.some((part) => part > 255))
    throw new ToolError(`${text} is no IPv4 address: ${what} is written as 192.0.2.7 is`);
  return parts.reduce((number, part) => number * 256 + part, 0);
}

function addressSource({ address, mask, router, nameServer }: StaticAddress): string {
  const own = addressNumber(address, "a device's address");
  const bits = addressNumber(mask, "a mask");
  const hosts = ~bits >>> 0;
  if ((hosts & (hosts + 1)) !== 0) throw new ToolError(`${mask} is no mask: its ones must come before its zeros`);
  const constants = {
    ADDRESS: own,
    MASK: bits,
    ROUTER: addressNumber(router, "a router"),
    NAME_SERVER: nameServer === undefined ? 0 : addressNumber(nameServer, "a name server"),
  };
  return Object.entries(constants)
    .map(([name, value]) => `export const ${name}: u32 = ${value};\n`)
    .join("");
}

/**
 * Texts to compile in place of files, for `compileWasm`.
 *
 * @param of what is compiled; features of the other are refused
 * @throws ToolError where the choice contradicts itself, or names what is not `of`'s
 */
export function featureTexts(of: Feature["of"], choice: FeatureChoice = {}): Map<string, string> {
  const { with: wanted = [], without: unwanted = [], address } = choice;
  const texts = new Map<string, string>();
  for (const name of new Set([...wanted, ...unwanted])) {
    const feature: Feature = features[name];
    if (wanted.includes(name) && unwanted.includes(name))
      throw new ToolError(`${name} is asked for and not asked for: say --with or --without, not both`);
    if (feature.of !== of) throw new ToolError(`${name} is a feature of the ${feature.of}, not of the ${of}`);
    if (wanted.includes(name) !== feature.isDefault) texts.set(sources + feature.file, textOf(feature.other));
  }
  if (address === undefined) return texts;
  if (!unwanted.includes("dhcp"))
    throw new ToolError("an address is for a build without dhcp: it would be asked for from the network");
  return texts.set(`${sources}net/static-address.ts`, addressSource(address));
}
