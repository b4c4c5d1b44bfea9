// `flipside conformance` (docs/conformance.md)

import { command, type Invocation } from "../command-line/command.ts";
import { CommandFailure, UsageError } from "../command-line/failures.ts";
import { readDuration } from "../command-line/units.ts";

const WAIT_MS = 60_000;
const QUIET_MS = 1_500;

function readListen(text: string): { host: string; port: number } {
  const [, host, port] = /^(?:mqtt:\/\/)?(.+):(\d{1,5})$/.exec(text) ?? [];
  if (host === undefined || Number(port) > 65_535) throw new UsageError("an address such as 127.0.0.1:1883 is meant");
  return { host: host.replace(/^\[(.*)\]$/, "$1"), port: Number(port) };
}

const options = {
  listen: { value: "HOST:PORT", what: "where the agent connects (127.0.0.1:1883)", read: readListen },
  device: { value: "DEVICE", what: "the agent's device id (required)" },
  claim: { value: "FILE", what: "its claim, as flipside enrol writes it (required)" },
  keys: {
    value: "FOLDER",
    what: "release and operations keys that the agent trusts, made where there are none (var/keys)",
  },
  image: {
    value: "FILE",
    what: "a release with a good update for the agent's hardware; without it, one of bytes that mean nothing",
  },
  wait: { value: "DURATION", what: "how long the agent may take for what it must do (60s)", read: readDuration },
  quiet: { value: "DURATION", what: "how long it is watched for what it must not do (1500ms)", read: readDuration },
} as const;

async function claimIn(path: string, deviceId: string): Promise<string> {
  const { parseClaimsFile } = await import("../../../server/src/features/claims/claims-file.ts");
  const { readWhole } = await import("../images/release-keys.ts");
  const claim = parseClaimsFile(readWhole(path, "the claim")).claims.find((each) => each.deviceId === deviceId);
  if (!claim) throw new CommandFailure(`${path} has no claim of ${deviceId}`);
  return claim.secret;
}

async function run({ options: given, say, note }: Invocation<typeof options>) {
  const { device, claim, listen = { host: "127.0.0.1", port: 1883 } } = given;
  if (device === undefined) throw new UsageError("--device is missing: the agent's device id");
  if (claim === undefined) throw new UsageError("--claim is missing: the file with the agent's claim");
  const { isDeviceId } = await import("@flipside/protocol/topics");
  if (!isDeviceId(device)) throw new UsageError(`${device}: a device id has 1 to 48 characters of a-z, 0-9 and -`);
  const { FormatError } = await import("@flipside/image-format");
  const { projectKeys } = await import("../../../agent/build/project-keys.ts");
  const { keysFolder, readWhole } = await import("../images/release-keys.ts");
  const { TestBench } = await import("../conformance/test-bench.ts");
  const { checks } = await import("../conformance/checks.ts");
  const { lineOf, reportOf, summaryOf } = await import("../conformance/report.ts");
  const { runChecks } = await import("../conformance/run-checks.ts");
  const bench = new TestBench({
    deviceId: device,
    claimSecret: await claimIn(claim, device),
    keys: await projectKeys(keysFolder(given.keys)),
    image: given.image === undefined ? undefined : readWhole(given.image, "the image"),
    waitMs: given.wait ?? WAIT_MS,
    quietMs: given.quiet ?? QUIET_MS,
  });
  try {
    const { address, port } = await bench.listen(listen.host, listen.port);
    note(`waiting for ${device} at ${address}:${port}`);
    const report = reportOf(await runChecks(checks, bench, (result) => say(lineOf(result))));
    say(summaryOf(report));
    return { json: report, ...(report.conforms ? {} : { exit: "failed" as const }) };
  } catch (error) {
    const isSystem = error instanceof Error && "syscall" in error;
    if (isSystem || error instanceof FormatError || error instanceof RangeError)
      throw new CommandFailure(error.message);
    throw error;
  } finally {
    await bench.close();
  }
}

export const conformance = command({
  name: "conformance",
  summary: "Play the server to an agent of your own, and say what it does wrong",
  about:
    "It is broker and server at once: point the agent, which is not enrolled yet, at its address. Each check names the section of docs/protocol.md that it is from. docs/conformance.md has the list, and what the agent must have. It ends with 1 when a check failed or was not reached.",
  options,
  examples: ["flipside conformance --device kitchen-9 --claim kitchen-9.claim.json --image my-agent-2.0.0.release"],
  run,
});
