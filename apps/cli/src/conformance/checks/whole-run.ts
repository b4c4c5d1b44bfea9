// What must hold of all that the agent said in the run.

import {
  answerMessage,
  describeIssues,
  goneMessage,
  logMessage,
  logPartMessage,
  parseControl,
  proofMessage,
  stateMessage,
  telemetryMessage,
} from "@flipside/protocol/messages";
import { z } from "zod";
import { isDeviceLeaf, topicPrefixOf } from "@flipside/protocol/topics";
import { textOf } from "../test-bench.ts";
import { type Check, NotConforming } from "../check.ts";

/** `enrol`, `hello`, `check-in` and `fetch` have checks of their own. */
const forms = {
  proof: proofMessage,
  state: stateMessage,
  telemetry: telemetryMessage,
  log: z.union([logMessage, logPartMessage]),
  answer: answerMessage,
  gone: goneMessage,
};

const bestEffort = ["fetch", "telemetry", "log"];

export const wholeRunChecks: readonly Check[] = [
  {
    name: "own-topics",
    section: "Topics",
    what: "publishes and subscribes below its own prefix only",
    needs: ["connects"],
    run(bench) {
      const prefix = topicPrefixOf(bench.deviceId);
      const filter = bench.link.connections.flatMap(({ filters }) => filters).find((each) => !each.startsWith(prefix));
      if (filter !== undefined) throw new NotConforming(`subscriptions below ${prefix}`, filter);
      const message = bench.heardAll.find(({ leaf }) => !isDeviceLeaf(leaf));
      if (message) throw new NotConforming(`leaves that are the device's to send`, message.topic);
    },
  },
  {
    name: "quality-of-service",
    section: "Topics",
    what: "publishes at the QoS that the table of topics says, and retains nothing",
    needs: ["connects"],
    run(bench) {
      for (const message of bench.heardAll) {
        // A part of a log was asked for by a command.
        const isPart = message.leaf === "log" && "part" in message.content;
        const qos = bestEffort.includes(message.leaf) && !isPart ? 0 : 1;
        if (message.qos !== qos || message.isRetained)
          throw new NotConforming(
            `QoS ${qos}`,
            `QoS ${message.qos}${message.isRetained ? ", retained" : ""}: ${textOf(message)}`,
          );
      }
    },
  },
  {
    name: "mqtt",
    section: "Protocol",
    what: "speaks MQTT 3.1.1",
    needs: [],
    run(bench) {
      const [first] = bench.link.malformed;
      if (first !== undefined) throw new NotConforming("packets of MQTT 3.1.1", first);
    },
  },
  {
    name: "message-forms",
    section: "Protocol",
    what: "says nothing but JSON objects of at most 8192 bytes, with the members of their topics",
    needs: ["connects"],
    run(bench) {
      for (const message of bench.heardAll) {
        const parsed = parseControl(message.bytes);
        if ("refusal" in parsed) throw new NotConforming("a JSON object", `${parsed.refusal}: ${textOf(message)}`);
        const form = forms[message.leaf as keyof typeof forms] as (typeof forms)["proof"] | undefined;
        const read = form?.safeParse(parsed.object);
        if (read?.success === false)
          throw new NotConforming(
            `the members of ${message.leaf}`,
            `${describeIssues(read.error)}: ${textOf(message)}`,
          );
      }
    },
  },
  {
    name: "order",
    section: "Check-in and offer",
    what: "orders check-ins and states by (`boot`, `sequence`), which ascend over sessions and restarts",
    needs: ["polls"],
    run(bench) {
      let before = { boot: -1, sequence: -1 };
      for (const message of bench.heardAll.filter(({ leaf }) => leaf === "check-in" || leaf === "state")) {
        const { boot, sequence } = message.content as { boot: number; sequence: number };
        if (boot < before.boot || (boot === before.boot && sequence <= before.sequence))
          throw new NotConforming(
            `what is newer than boot ${before.boot}, sequence ${before.sequence}`,
            textOf(message),
          );
        before = { boot, sequence };
      }
    },
  },
];
