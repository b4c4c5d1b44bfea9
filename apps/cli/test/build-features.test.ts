// `flipside build --with` and `--without`, before anything is compiled: what is wrong with a choice is said by name.

import { expect, it } from "vitest";
import { commandLine } from "./command-line.ts";

const flipside = commandLine({ environment: {} });
const build = (...more: string[]) =>
  flipside("build", "--version", "2.1.0", "--sequence", "21", "--virtual-only", "--unsigned", ...more);

it.each([
  [["--with", "tls"], "--with tls: an image's features are http, dhcp, dns, icmp"],
  [["--without", "dns,recovery"], "--without recovery: an image's features are"],
  [["--without", "dhcp"], "--without dhcp takes --address and --router"],
  [["--address", "192.0.2.7/24", "--router", "192.0.2.1"], "--without dhcp takes --address and --router"],
  [["--without", "dhcp", "--address", "192.0.2.7", "--router", "192.0.2.1"], "such as 192.0.2.7/24"],
])("%j is refused in words", async (options, why) => {
  const { code, complained } = await build(...options);
  expect(code).toBe(2);
  expect(complained).toContain(why);
});

it("a choice that contradicts itself is refused by the build", async () => {
  const { code, complained } = await build("--with", "http", "--without", "http");
  expect(code).toBe(1);
  expect(complained).toContain("http is asked for and not asked for");
});
