// Half a minute of fuzzing: kept cases first, then a fixed number of inputs for each target; and whether bugs are found
// at all. `npm run fuzz` does more (docs/fuzzing.md).

import { describe, expect, test } from "vitest";
import { seedOfRun } from "@flipside/machine/faults/seeded-random";
import { Campaign } from "./engine/campaign.ts";
import type { Patch } from "./engine/compile.ts";
import { keptCases } from "./engine/corpus.ts";
import type { Target } from "./engine/target.ts";
import { writeTranscripts, writtenTranscripts } from "./engine/transcripts.ts";
import { about, targetsAbout } from "./targets/about.ts";
import { targets } from "./targets/index.ts";

const seed = seedOfRun();
console.info(`fuzzing: FLIPSIDE_SEED=${seed}`);

/** What a second does on a machine that is not busy. */
const inputs: Record<string, number> = {
  "boot-control": 250,
  slots: 250,
  "trust-zone": 150,
  recovery: 750,
  "agent-messages": 750,
  signatures: 400,
  "permit-holds": 1_000,
  tcp: 7_500,
  dhcp: 5_000,
  dns: 15_000,
  frames: 15_000,
  mqtt: 5_000,
  tls: 1_500,
  http: 2_000,
  json: 30_000,
  "image-header": 75_000,
  "signature-block": 75_000,
  "trust-chain": 75_000,
  permit: 75_000,
  command: 50_000,
  "boot-record": 30_000,
  "factory-form": 75_000,
  factory: 10_000,
  settings: 2_000,
  journal: 5_000,
  trial: 60,
  "trust-updates": 25,
  update: 100,
  "offer-check": 200,
  "update-journal": 150,
  "chunk-fetch": 500,
  "chunk-table": 1_000,
  deployment: 1_000,
};
const LONG_MS = 300_000;

/** As the device is; opened once for all that is asked of it. */
const opened = new Map<string, Promise<Target>>();
function open(name: string): Promise<Target> {
  if (!opened.has(name)) opened.set(name, targets[name]!());
  return opened.get(name)!;
}
/** Judges single inputs. */
const judge = (target: Target): Campaign => new Campaign({ ...target, seeds: [] }, 0, []);

describe("what reads bytes from outside neither traps nor hangs, and holds to what is said of it", () => {
  test.each(Object.keys(targets))(
    "%s",
    async (name) => {
      const target = await open(name);
      const campaign = new Campaign(target, 0);
      const said = (fault: string, input: Uint8Array): string =>
        `${name}: ${fault}, seed ${seed}, input ${Buffer.from(input).toString("hex")}`;
      expect(
        campaign.findings.map(({ what, input }) => said(what, input)),
        "seeds",
      ).toEqual([]);
      for (const { name: kept, input } of keptCases(name))
        expect(campaign.faultOf(input), `kept case ${kept}`).toBeUndefined();
      const fuzzing = new Campaign(target, seed);
      fuzzing.run(inputs[name]!);
      expect(fuzzing.findings.map(({ what, input }) => said(what, input))).toEqual([]);
      expect(fuzzing.inputs).toBeGreaterThanOrEqual(inputs[name]!);
    },
    LONG_MS,
  );
});

describe("the device does with inputs that tell small bugs best what is written down (engine/transcripts.ts)", () => {
  const written = writtenTranscripts();
  const now = structuredClone(written);

  test.each(Object.keys(written))(
    "%s",
    async (name) => {
      const campaign = judge(await open(name));
      for (const [input, digest] of Object.entries(written[name]!)) {
        const transcript = campaign.transcriptOf(new Uint8Array(Buffer.from(input, "base64")));
        now[name]![input] = transcript.digest;
        if (process.env.FLIPSIDE_WRITE_COURSES !== "1")
          expect(transcript.digest, `${name}, input ${input} (base64): ${transcript.steps.join("\n  ")}`).toBe(digest);
      }
      if (process.env.FLIPSIDE_WRITE_COURSES === "1") writeTranscripts(now);
    },
    LONG_MS,
  );
});

test("of each target it is said what sources it is about, and of sources which targets are", () => {
  expect(Object.keys(about).sort()).toEqual(Object.keys(targets).sort());
  expect(targetsAbout(["apps/agent/src/update/chunk-fetch.ts"])).toEqual(["agent-messages", "update", "chunk-fetch"]);
  expect(targetsAbout(["apps/agent/src/net/wire/dns.ts"])).toEqual(["tcp", "dhcp", "dns", "frames"]);
});

const planted: [what: string, target: string, patch: Patch, inputs: number][] = [
  [
    "a field of the image header may be longer than the header",
    "image-header",
    {
      file: "packages/image-format/src/portable/image-header.ts",
      find: "if (paddedBytes > headerBytes - value) return ErrorCode.HeaderMalformed;",
      replace: "",
    },
    200_000,
  ],
  [
    "a command of another session is taken",
    "command",
    {
      file: "packages/image-format/src/portable/command.ts",
      find: "if (!equalBytes(bytes, offset + COMMAND_NONCE_OFFSET, deviceNonce, 0, 16)) return ErrorCode.CommandForAnotherSession;",
      replace: "",
    },
    50_000,
  ],
  [
    "a permit for another device holds",
    "permit-holds",
    {
      file: "apps/agent/src/update/permit.ts",
      find: "if (compareBytes(body + PERMIT_DEVICE_OFFSET, digest, DIGEST_BYTES) != 0) return false;",
      replace: "",
    },
    10_000,
  ],
  [
    "recovery programs a chunk that is not the table's",
    "recovery",
    {
      file: "apps/agent/src/boot/image-receiver.ts",
      find: "if (!this.writer.chunkHolds(index, chunk, length)) return ErrorCode.ChunkMismatch;",
      replace: "",
    },
    1_000,
  ],
  [
    "recovery takes an image below the floor",
    "recovery",
    {
      file: "apps/agent/src/boot/image-receiver.ts",
      find: "if (header.securityCounter < this.log.record.securityFloor) return ErrorCode.SecurityCounterTooLow;",
      replace: "",
    },
    1_000,
  ],
  [
    "an offer's signature is not checked",
    "agent-messages",
    {
      file: "apps/agent/src/update/offer-check.ts",
      find: `code = manifest.checkSignature(this.trust);
    if (code != ErrorCode.None) return code;`,
      replace: "",
    },
    2_000,
  ],
  [
    "a chunk is programmed that is not the table's",
    "agent-messages",
    {
      file: "apps/agent/src/image/slot-writer.ts",
      find: "return compareBytes(hash, this.table + index * DIGEST_BYTES, DIGEST_BYTES) == 0;",
      replace: "return true;",
    },
    2_000,
  ],
  [
    "a command of another session is carried out",
    "agent-messages",
    {
      file: "packages/image-format/src/portable/command.ts",
      find: "if (!equalBytes(bytes, offset + COMMAND_NONCE_OFFSET, deviceNonce, 0, 16)) return ErrorCode.CommandForAnotherSession;",
      replace: "",
    },
    2_000,
  ],
  [
    "a configuration is taken that is not the one that was signed",
    "agent-messages",
    {
      file: "apps/agent/src/command/configuration.ts",
      find: "if (compareBytes(incomingDigest, command + COMMAND_DOCUMENT_DIGEST_OFFSET, DIGEST_BYTES) != 0)",
      replace: "if (false)",
    },
    2_000,
  ],
  [
    "the newer copy of the settings counts, though it may be half written",
    "settings",
    {
      file: "apps/agent/src/dual-copy.ts",
      find: "if (this.isInFlux(flags, copy) && !this.isInFlux(flags, other) &&",
      replace: "if (false &&",
    },
    10_000,
  ],
  [
    "a DNS answer's record may run off the message",
    "dns",
    { file: "apps/agent/src/net/wire/dns.ts", find: "if (dataBytes > <u32>(end - data)) return 0;", replace: "" },
    200_000,
  ],
  [
    "a name in a DNS message may point at itself",
    "dns",
    { file: "apps/agent/src/net/wire/dns.ts", find: "if (p >= limit) return 0;", replace: "" },
    200_000,
  ],
  [
    "a DHCP option may run off its field",
    "dhcp",
    { file: "apps/agent/src/net/wire/dhcp.ts", find: "if (length > <u32>(fieldEnd - p)) return false;", replace: "" },
    100_000,
  ],
  [
    "an ICMP error may quote less than is looked at",
    "tcp",
    { file: "apps/agent/src/net/icmp.ts", find: "|| quotedBytes < header + QUOTED_BYTES", replace: "" },
    100_000,
  ],
  [
    "a skipped MQTT message may end in the middle",
    "mqtt",
    {
      file: "apps/agent/src/mqtt/receiver.ts",
      find: "this.skipAt += count;",
      replace: "this.skipAt += count + (this.skipAt & 1);",
    },
    50_000,
  ],
  [
    "a TLS server's Finished is not looked at",
    "tls",
    {
      file: "apps/agent/src/tls/client-handshake.ts",
      find: "return equalInConstantTime(computed, body, HASH_BYTES) ? 0 : Alert.DecryptError;",
      replace: "return 0;",
    },
    5_000,
  ],
  [
    "what is read before a TLS message is whole is told as data",
    "tls",
    {
      file: "apps/agent/src/tls/tls-stream.ts",
      find: "if (type != ContentType.ApplicationData || this.phase != Phase.Open) return Alert.UnexpectedMessage;",
      replace: "if (this.phase != Phase.Open) return Alert.UnexpectedMessage;",
    },
    20_000,
  ],
  [
    "a second length in a request counts",
    "http",
    {
      file: "apps/agent/src/http/request-head.ts",
      find: "if (this.hasLength) return Status.BadRequest;",
      replace: "",
    },
    50_000,
  ],
  [
    "the verifier takes any S",
    "signatures",
    {
      file: "packages/image-format/assembly/ed25519/verify.ts",
      find: "if (!scalarIsCanonical(signature + 32)) return ED25519_S_NOT_CANONICAL;",
      replace: "",
    },
    2_000,
  ],
  [
    "the boot loader takes an image whose last chunk is not the signed one",
    "slots",
    {
      file: "apps/agent/src/image/payload-check.ts",
      find: "differenceOf(actual, expected, DIGEST_BYTES), 1,",
      replace: "index + 1 == header.chunkCount ? 0 : differenceOf(actual, expected, DIGEST_BYTES), 1,",
    },
    5_000,
  ],
  [
    "the boot loader gives up a confirmed image that crashed a few times",
    "boot-control",
    {
      file: "apps/agent/src/boot-control/unclean-boots.ts",
      find: "const UNCLEAN_BOOTS_MAX: u32 = 5;",
      replace: "const UNCLEAN_BOOTS_MAX: u32 = 4;",
    },
    20_000,
  ],
  [
    "the boot loader starts an image in a crash loop for ever",
    "boot-control",
    {
      file: "apps/agent/src/boot/boot.ts",
      find: "if (!yields && other != SlotState.Candidate) return crashed;",
      replace: "if (!yields && other != SlotState.Candidate) return false;",
    },
    20_000,
  ],
];

describe("bugs that are planted are found", () => {
  test.each(planted)(
    "%s (%s)",
    async (_what, name, patch, most) => {
      // A seed of its own: this is about the fuzzer, which must not be lucky.
      const campaign = new Campaign(await targets[name]!([patch]), 1);
      for (let so = 1; campaign.findings.length === 0 && so <= 10; so++) campaign.run((most * so) / 10);
      expect(campaign.findings.length, `nothing was found in ${campaign.inputs} inputs`).toBeGreaterThan(0);
      const { input, what } = campaign.findings[0]!;
      expect(campaign.faultOf(input), "the minimised input has lost the fault").toBe(what);
      expect(judge(await open(name)).faultOf(input), "the input is at fault without the bug, too").toBeUndefined();
    },
    LONG_MS,
  );
});
