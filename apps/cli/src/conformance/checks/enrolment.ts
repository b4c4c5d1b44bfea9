// An agent without a secret: how it connects, and how it gets one (docs/protocol.md, "Topics" and "Enrolment").

import { randomBytes } from "node:crypto";
import { describeIssues, enrolBeginMessage } from "@flipside/protocol/messages";
import { enrolServerMac } from "@flipside/protocol/macs";
import { plainMac } from "@flipside/protocol/reference-server/plain-mac";
import { enrolmentChallenge, enrolmentRefusal } from "@flipside/protocol/server-messages";
import type { TestBench } from "../test-bench.ts";
import { type Check, NotConforming } from "../check.ts";

const section = "Enrolment";

const nonce = (): string => randomBytes(16).toString("base64url");
const firstStep = ({ step }: Record<string, unknown>): boolean => step === 1;
const noSecondStep = ({ leaf, content }: { leaf: string; content: Record<string, unknown> }): boolean =>
  leaf === "enrol" && content["step"] === 2;

const begun = (bench: TestBench, from: number) => bench.next("enrol", "step 1 on `enrol`", from, firstStep);

/** The server's answer to step 1, of a server that knows the claim. */
function answerTo(bench: TestBench, deviceNonce: string) {
  const serverNonce = nonce();
  const fields = { deviceId: bench.deviceId, nonce: deviceNonce, serverNonce };
  return { serverNonce, mac: plainMac(enrolServerMac, bench.claimSecret, fields) };
}

export const enrolmentChecks: readonly Check[] = [
  {
    name: "connects",
    section: "Topics",
    what: "connects with a clean session, and with its user name as client id",
    needs: [],
    async run(bench) {
      const { connect } = await bench.until("a CONNECT", () => bench.link.connections.find((each) => each.connect));
      const { isCleanSession, clientId, userName } = connect!;
      if (!isCleanSession) throw new NotConforming("clean session = 1", "0");
      if (clientId !== userName)
        throw new NotConforming(`the client id ${userName ?? "of the user name"}`, JSON.stringify(clientId));
    },
  },
  {
    name: "enrolment-begins",
    section,
    what: "says step 1 as `enrol.<device>`, with its id, its key and a nonce",
    needs: ["connects"],
    async run(bench) {
      bench.heldBack.add("enrol");
      const { content, connection } = await begun(bench, 0);
      const read = enrolBeginMessage.safeParse(content);
      if (!read.success) throw new NotConforming("the members of step 1", describeIssues(read.error));
      if (read.data.device !== bench.deviceId)
        throw new NotConforming(`the device ${bench.deviceId}`, JSON.stringify(read.data.device));
      const { userName } = connection.connect!;
      if (userName !== `enrol.${bench.deviceId}`)
        throw new NotConforming(`the user name enrol.${bench.deviceId}`, JSON.stringify(userName));
    },
  },
  {
    name: "enrolment-other-nonce",
    section,
    what: "ignores an answer to a nonce that is not its own",
    needs: ["enrolment-begins"],
    async run(bench) {
      const from = bench.now;
      const other = nonce();
      const { serverNonce, mac } = answerTo(bench, other);
      bench.say("enrolled", enrolmentChallenge(other, serverNonce, mac).payload);
      await bench.never("no step 2", from, noSecondStep);
    },
  },
  {
    name: "enrolment-wrong-server",
    section,
    what: "says nothing more to a server that does not prove the claim",
    needs: ["enrolment-begins"],
    async run(bench) {
      const from = bench.now;
      const latest = bench.heardAll.findLast(({ leaf }) => leaf === "enrol")!;
      const own = String(latest.content["nonce"]);
      const wrong = randomBytes(32).toString("base64url");
      bench.say("enrolled", enrolmentChallenge(own, nonce(), wrong).payload);
      await bench.never("no step 2", from, noSecondStep);
    },
  },
  {
    name: "enrolment-refused",
    section,
    what: "asks again after a refusal that it does not know, later and not at once, with a new nonce",
    needs: ["enrolment-begins"],
    async run(bench) {
      bench.link.newest!.hangUp();
      const refused = await begun(bench, bench.now);
      const from = bench.now;
      const refusal = enrolmentRefusal(1, refused.content["nonce"], "claim-unknown").payload;
      bench.say("enrolled", String(refusal).replace("claim-unknown", "moon-in-the-wrong-house"));
      await bench.never("a while without step 1", from, ({ leaf }) => leaf === "enrol");
      await begun(bench, from);
    },
  },
  {
    name: "enrolment-nonces",
    section,
    what: "takes a new nonce for each step 1",
    needs: ["enrolment-refused"],
    run(bench) {
      const nonces = bench.heardAll
        .filter(({ leaf, content }) => leaf === "enrol" && firstStep(content))
        .map(({ content }) => content["nonce"]);
      const twice = nonces.find((each, i) => nonces.indexOf(each) !== i);
      if (twice !== undefined) throw new NotConforming("another nonce", `${String(twice)} again`);
    },
  },
  {
    name: "enrolment-proof",
    section,
    what: "proves the claim and its key in step 2, by a MAC that holds",
    needs: ["enrolment-begins"],
    async run(bench) {
      bench.heldBack.delete("enrol");
      const from = bench.now;
      bench.link.newest!.hangUp();
      const { content } = await bench.next("enrol", "step 2 on `enrol`", from, ({ step }) => step === 2);
      if (bench.secret === undefined)
        throw new NotConforming("a MAC over label, device, nonce, serverNonce, publicKey", JSON.stringify(content));
    },
  },
  {
    name: "secret",
    section,
    what: "reconnects with the secret that both sides have computed",
    needs: ["enrolment-proof"],
    async run(bench) {
      bench.heldBack.add("hello");
      await bench.until("a connection with the device's name and its secret", () => {
        if (bench.unknownPasswords.length > 0)
          throw new NotConforming("base64url of the device secret as password", "another one");
        const { connect } = bench.link.newest!;
        return connect?.userName === bench.deviceId || undefined;
      });
    },
  },
];
