// Topics of AWS IoT that are spoken here: jobs and the classic shadow (docs/aws-iot.md). A thing's are below
// `$aws/things/NAME/`, and are written as what follows that; `+` stands for a job's id, or for `$next`.

const THING_TOPIC_ROOT = "$aws/things/";

/** What things ask and say. */
export const thingLeaves = [
  "jobs/get",
  "jobs/start-next",
  "jobs/+/get",
  "jobs/+/update",
  "shadow/get",
  "shadow/update",
] as const;
export type ThingLeaf = (typeof thingLeaves)[number];

/** What they are told: an answer to each, and what they did not ask for. */
export const thingServerLeaves = [
  "jobs/notify",
  "jobs/notify-next",
  ...thingLeaves.flatMap((leaf) => [`${leaf}/accepted`, `${leaf}/rejected`] as const),
] as const;
export type ThingServerLeaf = (typeof thingServerLeaves)[number];

/** Of all of a thing's topics. */
export const thingPrefixOf = (thing: string): string => `${THING_TOPIC_ROOT}${thing}/`;

export interface ThingRequest {
  leaf: ThingLeaf;
  /** As the topic names it, `$next` or a job's id; undefined: the topic names none. */
  jobId: string | undefined;
}

/** What is asked by a topic below a thing's prefix; undefined: it may not publish there. */
export function thingRequestOf(below: string): ThingRequest | undefined {
  const levels = below.split("/");
  const named = levels.length === 3 && levels[0] === "jobs" ? levels[1] : undefined;
  const form = named === undefined ? below : `jobs/+/${levels[2]}`;
  const leaf = thingLeaves.find((each) => each === form);
  // A "+" of the client's own is no name of a job.
  return leaf === undefined || leaf.includes("+") !== (named !== undefined) ? undefined : { leaf, jobId: named };
}
