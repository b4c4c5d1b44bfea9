// What an agent says of itself, and what it does with messages that are not for it (docs/protocol.md, "Check-in and
// offer", "Protocol", "Topics").

import { randomBytes } from "node:crypto";
import { checkInMessage, describeIssues } from "@flipside/protocol/messages";
import { textOf } from "../test-bench.ts";
import { type Check, NotConforming } from "../check.ts";

const section = "Check-in and offer";
const LONG_POLL_MS = 3_600_000;

/** What a check-in says beside what changes from one to the next. */
function lasting(content: Record<string, unknown>): string {
  const { sequence: _, uptimeMs: __, ...rest } = content;
  return JSON.stringify(rest);
}

export const checkInChecks: readonly Check[] = [
  {
    name: "check-in-form",
    section,
    what: "says in a check-in all that it must",
    needs: ["contact"],
    run(bench) {
      for (const message of bench.heardAll.filter(({ leaf }) => leaf === "check-in")) {
        const read = checkInMessage.safeParse(message.content);
        if (!read.success)
          throw new NotConforming("the members of a check-in", `${describeIssues(read.error)}: ${textOf(message)}`);
      }
    },
  },
  {
    name: "polls",
    section,
    what: "checks in again after `pollMs`, which the newest offer says",
    needs: ["contact"],
    async run(bench) {
      await bench.checkIn("a check-in after 500 ms");
      await bench.checkIn("another check-in after 500 ms");
    },
  },
  {
    name: "polls-no-sooner",
    section,
    what: "checks in no sooner than after `pollMs` when nothing has changed",
    needs: ["polls"],
    async run(bench) {
      bench.pollMs = LONG_POLL_MS;
      try {
        bench.sayOffer();
        await bench.acknowledged();
        await bench.pause();
        const from = bench.now;
        const before = bench.lastCheckIn as unknown as Record<string, unknown>;
        await bench.never(
          `no check-in for ${LONG_POLL_MS} ms`,
          from,
          ({ leaf, content }) => leaf === "check-in" && lasting(content) === lasting(before),
        );
      } finally {
        bench.pollMs = 500;
        bench.sayOffer();
      }
    },
  },
  {
    name: "unknown-members",
    section: "Protocol",
    what: "ignores members that it does not know",
    needs: ["polls-no-sooner"],
    async run(bench) {
      bench.pollMs = LONG_POLL_MS;
      bench.sayOffer();
      await bench.acknowledged();
      await bench.pause();
      bench.pollMs = 500;
      const waits = bench.checkIn("a check-in after an offer with a new `pollMs` and members of a later version");
      bench.sayOffer({ later: { deep: [1, "two", { three: null }] }, also: "more", flag: true, fraction: 1.5 });
      await waits;
    },
  },
  {
    name: "offer-of-another-session",
    section: "Session",
    what: "ignores an offer that names another session",
    needs: ["contact"],
    async run(bench) {
      const image = await bench.image();
      const from = bench.now;
      const members = bench.membersOf({ id: "of-another", attempt: 1, image, served: image.served });
      bench.say("offer", { session: randomBytes(16).toString("base64url"), pollMs: 500, ...members });
      await bench.never("nothing on that deployment", from, ({ content }) => content["deployment"] === "of-another");
    },
  },
  {
    name: "retained",
    section: "Topics",
    what: "ignores a retained message",
    needs: ["contact"],
    async run(bench) {
      const { session } = bench;
      if (!session) throw new NotConforming("a session that lasts", "it was lost");
      const image = await bench.image();
      const from = bench.now;
      const members = bench.membersOf({ id: "retained", attempt: 1, image, served: image.served });
      bench.say("offer", { session: session.id, pollMs: 500, ...members }, { isRetained: true });
      await bench.never("nothing on that deployment", from, ({ content }) => content["deployment"] === "retained");
    },
  },
  {
    name: "message-too-large",
    section: "Protocol",
    what: "is not harmed by a control message of more than 8192 bytes: it checks in as before",
    needs: ["polls"],
    async run(bench) {
      bench.sayOffer({ padding: "x".repeat(9000) });
      await bench.pause();
      await bench.checkIn("a check-in after a message of 9000 bytes");
    },
  },
  {
    name: "message-no-json",
    section: "Protocol",
    what: "is not harmed by a message that is no JSON object: it checks in as before",
    needs: ["polls"],
    async run(bench) {
      for (const text of ["", "{", "null", "[]", '"text"', '{"session":{}}', "\u0000\u0001"]) bench.say("offer", text);
      await bench.pause();
      await bench.checkIn("a check-in after messages that are no JSON");
    },
  },
];
