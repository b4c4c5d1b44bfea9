// A download that is called off, one that breaks off, and an update to its end (docs/protocol.md, "Fetch and chunk" and
// "Deployment states").

import { CHUNK_PART_PAYLOAD, deploymentStateNames, DeploymentState, mayFollow } from "@flipside/image-format";
import { fetchMessage, stateMessage } from "@flipside/protocol/messages";
import { outcomeOf } from "@flipside/protocol/reference-server/outcome";
import { type TestBench, type Message, type Offered, textOf } from "../test-bench.ts";
import { type Check, NotConforming } from "../check.ts";
import type { TestImage } from "../test-images.ts";

const isPayloadFetch = ({ leaf, content }: Message, id: string): boolean =>
  leaf === "fetch" && content["deployment"] === id && content["part"] === CHUNK_PART_PAYLOAD;

/** An update may take longer than an answer: a write to flash for each chunk, a restart, a trial. */
const UPDATE_WAITS = 6;

/** The good update: what `resumes` began, `confirmed` ends. */
const goodUpdate = { fields: { description: "the good update" } };

/** Offers the image, of which only the first half of the payload is sent, and waits until the agent wants the other. */
async function halfWay(bench: TestBench, image: TestImage): Promise<Offered> {
  const from = bench.now;
  bench.servedUpTo = Math.ceil(image.served.payload.length / image.served.chunkBytes / 2);
  const offered = bench.offer(image);
  const wantsMore = (each: Message): boolean =>
    isPayloadFetch(each, offered.id) &&
    Number(each.content["first"]) + Number(each.content["count"]) > bench.servedUpTo;
  await bench.until(
    "fetches of the payload beyond its middle",
    () => bench.heardAll.slice(from).some(wantsMore) || undefined,
    UPDATE_WAITS * bench.options.waitMs,
  );
  return offered;
}

function fetchesFit(bench: TestBench): void {
  const pieces = bench.piecesOffered;
  for (const message of bench.heardAll.filter(({ leaf }) => leaf === "fetch")) {
    const read = fetchMessage.safeParse(message.content);
    const known = read.success ? pieces.get(read.data.deployment) : undefined;
    if (!read.success || !known)
      throw new NotConforming("1 to 8 pieces of part 0 or 1 of what is offered", textOf(message));
    const count = known[read.data.part];
    if (read.data.first >= count)
      throw new NotConforming(`pieces 0 to ${count - 1} of part ${read.data.part}`, textOf(message));
    if (message.content["session"] === undefined) throw new NotConforming("the session", textOf(message));
  }
}

function statesFollow(bench: TestBench): void {
  const newest = new Map<string, number>();
  for (const message of bench.heardAll.filter(({ leaf }) => leaf === "state")) {
    const read = stateMessage.safeParse(message.content);
    if (!read.success) throw new NotConforming("the members of a state", textOf(message));
    const { deployment, state } = read.data;
    const before = newest.get(deployment) ?? DeploymentState.Offered;
    const next = deploymentStateNames.indexOf(state);
    if (next !== before && !mayFollow(before, next))
      throw new NotConforming(`a state that may follow ${deploymentStateNames[before]}`, textOf(message));
    newest.set(deployment, next);
  }
}

export const updateChecks: readonly Check[] = [
  {
    name: "called-off",
    section: "Check-in and offer",
    what: "stops a download when nothing is offered any more",
    needs: ["polls"],
    async run(bench) {
      const image = await bench.image({ fields: { description: "called off" } });
      const from = bench.now;
      const offered = bench.offer(image);
      try {
        await bench.next("fetch", "a fetch of what is offered", from, ({ deployment }) => deployment === offered.id);
      } finally {
        bench.withdraw();
      }
      await bench.acknowledged();
      await bench.pause();
      await bench.never("no fetch any more", bench.now, ({ leaf }) => leaf === "fetch");
      await bench.checkIn();
    },
  },
  {
    name: "resumes",
    section: "Fetch and chunk",
    what: "goes on after a lost connection with the first chunk that it has not programmed",
    needs: ["called-off"],
    async run(bench) {
      const offered = await halfWay(bench, await bench.image(goodUpdate));
      const from = bench.now;
      bench.servedUpTo = Infinity;
      bench.link.newest!.hangUp();
      const chunk = await bench.until("a fetch of the payload of the same deployment", () =>
        bench.heardAll.slice(from).find((each) => isPayloadFetch(each, offered.id)),
      );
      if (chunk.content["first"] === 0)
        throw new NotConforming("a fetch that begins behind the first chunk of the payload", textOf(chunk));
    },
  },
  {
    name: "confirmed",
    section: "Deployment states",
    what: "installs a good update, starts it, and says in a check-in that it runs and is confirmed",
    needs: ["called-off"],
    async run(bench) {
      const offered = bench.offered ?? bench.offer(await bench.image(goodUpdate));
      const { digest } = offered.image;
      try {
        const outcome = await bench.until(
          "`confirmed`, in a check-in",
          () => bench.lastCheckIn && outcomeOf(bench.lastCheckIn, { id: offered.id, digest }),
          UPDATE_WAITS * bench.options.waitMs,
        );
        if (outcome.state !== "confirmed")
          throw new NotConforming("`confirmed`", `${outcome.state}, code ${outcome.code}`);
      } finally {
        bench.withdraw();
      }
    },
  },
  {
    name: "says-states",
    section: "Deployment states",
    what: "tells of a download by `state`, with the deployment and attempt that were offered",
    needs: ["confirmed"],
    run(bench) {
      const states = bench.heardAll.filter(({ leaf }) => leaf === "state");
      const attempts = states.find(({ content }) => content["attempt"] !== 1);
      if (attempts) throw new NotConforming("attempt 1", textOf(attempts));
      if (!states.some(({ content }) => content["state"] === "downloading"))
        throw new NotConforming("a state `downloading`", `${states.length} states, and none of it`);
    },
  },
  {
    name: "states-follow",
    section: "Deployment states",
    what: "goes from state to state as the table allows",
    needs: ["polls"],
    run: statesFollow,
  },
  {
    name: "fetch-windows",
    section: "Fetch and chunk",
    what: "fetches 1 to 8 pieces at once, of what is offered and within its parts",
    needs: ["called-off"],
    run: fetchesFit,
  },
];
