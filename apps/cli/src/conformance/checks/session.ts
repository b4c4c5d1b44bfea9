// Both sides prove themselves (docs/protocol.md, "Session").

import { randomBytes } from "node:crypto";
import { describeIssues, helloMessage } from "@flipside/protocol/messages";
import { sessionAcceptance, sessionChallenge, sessionRefusal } from "@flipside/protocol/server-messages";
import { type TestBench, type Message, textOf } from "../test-bench.ts";
import { type Check, NotConforming } from "../check.ts";

const section = "Session";
const random = (bytes: number): string => randomBytes(bytes).toString("base64url");
const sessionOf = ({ content }: Message): string => String(content["session"]);

const isNew = (bench: TestBench, leaf: string, member: string): void => {
  const values = bench.heardAll.filter((each) => each.leaf === leaf).map(({ content }) => String(content[member]));
  const twice = values.find((each, i) => values.indexOf(each) !== i);
  if (twice !== undefined) throw new NotConforming(`another ${member} in each ${leaf}`, `${twice} again`);
};

/** The newest hello of the connection that is open. */
function lastHello(bench: TestBench): Message {
  return bench.heardAll.findLast(({ leaf }) => leaf === "hello")!;
}

export const sessionChecks: readonly Check[] = [
  {
    name: "hello",
    section,
    what: "says hello after it has subscribed",
    needs: ["secret"],
    async run(bench) {
      const { content } = await bench.next("hello", "hello", 0);
      const read = helloMessage.safeParse(content);
      if (!read.success)
        throw new NotConforming("a session of 16 bytes", `${describeIssues(read.error)}: ${JSON.stringify(content)}`);
    },
  },
  {
    name: "last-will",
    section: "Topics",
    what: "has a last will on `gone` that names the connection's first session",
    needs: ["hello"],
    run(bench) {
      const hello = lastHello(bench);
      const { will } = hello.connection.connect!;
      const expected = `${hello.topic.replace(/hello$/, "gone")} {"session":"${sessionOf(hello)}"}, not retained`;
      if (!will) throw new NotConforming(expected, "no last will");
      const text = Buffer.from(will.payload).toString("utf8");
      const came = `${will.topic} ${text}${will.isRetained ? ", retained" : ""}`;
      const isRight =
        will.topic === hello.topic.replace(/hello$/, "gone") &&
        !will.isRetained &&
        text.includes(`"${sessionOf(hello)}"`);
      if (!isRight) throw new NotConforming(expected, came);
    },
  },
  {
    name: "challenge-of-another-session",
    section,
    what: "does not answer a challenge that names another session",
    needs: ["hello"],
    async run(bench) {
      const from = bench.now;
      bench.say("challenge", sessionChallenge(random(16), random(16)).payload);
      await bench.never("no proof", from, ({ leaf }) => leaf === "proof");
    },
  },
  {
    name: "wrong-contact",
    section,
    what: "does not believe a server whose MAC does not hold: it says nothing more to it",
    needs: ["hello"],
    async run(bench) {
      bench.heldBack.add("proof");
      const from = bench.now;
      const session = sessionOf(lastHello(bench));
      bench.say("challenge", sessionChallenge(session, random(16)).payload);
      await bench.next("proof", "proof", from, (content) => content["session"] === session);
      bench.say("challenge", sessionAcceptance(session, random(32)).payload);
      await bench.never("no check-in", from, ({ leaf }) => ["check-in", "state", "telemetry"].includes(leaf));
    },
  },
  {
    name: "proof",
    section,
    what: "proves its session by a signature of the key that it enrolled",
    needs: ["hello"],
    async run(bench) {
      bench.heldBack.clear();
      bench.link.newest!.hangUp();
      const first = await bench.until("a proof by the server's nonce", () => bench.proofs[0]);
      if (!first.holds)
        throw new NotConforming("a signature over device, session, nonce, deviceNonce", JSON.stringify(first.proof));
    },
  },
  {
    name: "contact",
    section,
    what: "checks in when the server's MAC holds",
    needs: ["proof"],
    async run(bench) {
      await bench.checkIn("a check-in after a MAC that holds");
    },
  },
  {
    name: "session-unknown",
    section,
    what: "begins a new session when the server does not know the one it has, and says which connection's it is",
    needs: ["contact"],
    async run(bench) {
      const { session } = bench;
      const first = bench.heardAll.find(({ leaf, connection }) => leaf === "hello" && connection === bench.link.newest);
      if (!session || !first) throw new NotConforming("a session that lasts", "it was lost");
      const from = bench.now;
      bench.say("challenge", sessionRefusal(session.id, "session-unknown").payload);
      const again = await bench.next("hello", "another hello", from);
      if (again.connection === first.connection && again.content["connection"] !== sessionOf(first))
        throw new NotConforming(`"connection":"${sessionOf(first)}"`, textOf(again));
      await bench.checkIn("a check-in in the new session");
    },
  },
  {
    name: "session-refusal-of-another",
    section,
    what: "ignores what names another session than its own",
    needs: ["contact"],
    async run(bench) {
      const from = bench.now;
      bench.say("challenge", sessionRefusal(random(16), "session-unknown").payload);
      await bench.never("no hello", from, ({ leaf }) => leaf === "hello");
    },
  },
  {
    name: "session-ids",
    section,
    what: "takes a new id for each session",
    needs: ["session-unknown"],
    run: (bench) => isNew(bench, "hello", "session"),
  },
  {
    name: "device-nonces",
    section,
    what: "takes a new nonce of its own for each proof",
    needs: ["session-unknown"],
    run: (bench) => isNew(bench, "proof", "deviceNonce"),
  },
];
