// What an operator may ask of a device beside a restart (docs/protocol.md, "Commands"). An agent need not know these
// kinds: one that says so keeps to the protocol. One that takes a command does what it says.

import { createHash, randomBytes } from "node:crypto";
import { buildCommand, type CommandAction, ErrorCode } from "@flipside/image-format";
import { type CheckIn, type LogPart, logPartMessage } from "@flipside/protocol/messages";
import { signedCommand } from "@flipside/protocol/server-messages";
import { type Check, NotConforming } from "../check.ts";
import { type TestBench, textOf } from "../test-bench.ts";

const section = "Commands";
/** The restart of `command-obeyed` has begun a session whose numbers begin anew. */
const needs = ["command-obeyed"];
const document = new TextEncoder().encode("{}");
const CONFIGURATION_NUMBER = 1;

interface Answered {
  id: string;
  code: number;
  /** Where the log of what was heard ended before. */
  from: number;
}

/** The answer to a good command; `sent`: the document that goes with it. */
async function answerTo(bench: TestBench, number: number, action: CommandAction, sent?: Uint8Array): Promise<Answered> {
  const session = await bench.until("a session", () => bench.session);
  const id = randomBytes(16);
  const command = await buildCommand({
    deviceId: bench.deviceId,
    deviceNonce: Buffer.from(session.deviceNonce, "base64url"),
    id,
    number,
    action,
    signingKeys: [bench.options.keys.operations.privateJwk],
  });
  const from = bench.now;
  bench.say("command", signedCommand(session.id, command, sent).payload);
  const named = id.toString("hex");
  const isIts = (content: Record<string, unknown>): boolean => content["command"] === named;
  const { content } = await bench.next("answer", "an answer that names the command", from, isIts);
  return { id: named, code: Number(content["code"]), from };
}

/** Whether the agent takes the command; false: it doesn't know the kind, or `also` is its reason. */
function isTaken(code: number, also?: ErrorCode): boolean {
  if (code === ErrorCode.CommandUnknown || code === also) return false;
  if (code === ErrorCode.None) return true;
  const codes = [ErrorCode.None, ErrorCode.CommandUnknown, ...(also === undefined ? [] : [also])];
  throw new NotConforming(`code ${codes.join(" or ")}`, `code ${code} (${ErrorCode[code] ?? "none"})`);
}

/** The parts of a log, in order, as far as they have come. */
function partsOf(bench: TestBench, { id, from }: Answered): LogPart[] {
  return bench.heardAll.slice(from).flatMap((message) => {
    if (message.leaf !== "log" || message.content["command"] !== id) return [];
    const read = logPartMessage.safeParse(message.content);
    if (!read.success) throw new NotConforming("a part of a log", textOf(message));
    return [read.data];
  });
}

export const deviceCommandChecks: readonly Check[] = [
  {
    name: "command-identify",
    section,
    what: "makes itself known when it is asked to (0), or does not know that kind (91)",
    needs,
    async run(bench) {
      isTaken((await answerTo(bench, 1, { kind: "identify", seconds: 1 })).code);
    },
  },
  {
    name: "command-logs",
    section: "Telemetry and log",
    what: "tells what its console said, in parts that are in order and of one log, when it takes that command",
    needs,
    async run(bench) {
      const answered = await answerTo(bench, 2, { kind: "collect-logs" });
      if (!isTaken(answered.code)) return;
      const all = await bench.until("all parts of a log", () => {
        const parts = partsOf(bench, answered);
        return parts.length > 0 && parts.length >= parts[0]!.parts ? parts : undefined;
      });
      const said = all.map(({ part, parts }) => `${part} of ${parts}`);
      const wanted = all.map((_, i) => `${i + 1} of ${all.length}`);
      if (said.join() !== wanted.join()) throw new NotConforming(`parts ${wanted.join(", ")}`, said.join(", "));
    },
  },
  {
    name: "command-forged-configuration",
    section: "Configuration",
    what: "refuses a configuration whose document is not the one that was signed (90), or does not know that kind (91)",
    needs,
    async run(bench) {
      const action = { kind: "set-configuration", document, number: CONFIGURATION_NUMBER } as const;
      const { code } = await answerTo(bench, 3, action, new TextEncoder().encode("[]"));
      if (isTaken(code, ErrorCode.CommandMalformed))
        throw new NotConforming(`code ${ErrorCode.CommandMalformed} or ${ErrorCode.CommandUnknown}`, "code 0");
    },
  },
  {
    name: "command-configuration",
    section: "Configuration",
    what: "says in a check-in that a configuration is in force, or refused, when it takes that command",
    needs,
    async run(bench) {
      const action = { kind: "set-configuration", document, number: CONFIGURATION_NUMBER } as const;
      const { code } = await answerTo(bench, 4, action, document);
      if (!isTaken(code)) return;
      const digest = createHash("sha256").update(document).digest("hex");
      await bench.checkIn(
        `a check-in that says configuration ${CONFIGURATION_NUMBER} in force or refused`,
        ({ configuration, configurationRefused }) =>
          configurationRefused?.number === CONFIGURATION_NUMBER ||
          (configuration?.number === CONFIGURATION_NUMBER && configuration.digest === digest),
      );
    },
  },
  {
    name: "command-roll-back",
    section: "Roll back",
    what: "runs the other slot's image, confirmed, when it takes that command, or says why it can't (98)",
    needs,
    async run(bench) {
      // What a check-in lacks is another check's to say.
      const { other } = bench.lastCheckIn as Partial<CheckIn>;
      const { code } = await answerTo(bench, 5, { kind: "roll-back" });
      if (!isTaken(code, ErrorCode.RollBackImpossible)) return;
      const wanted = `a check-in that says ${other?.digest?.slice(0, 8) ?? "another image"} runs and is confirmed`;
      await bench.checkIn(
        wanted,
        ({ running }: Partial<CheckIn>) => running?.digest === other?.digest && running?.state === "confirmed",
      );
    },
  },
];
