// A rehearsal's answer in sentences.

import { spanText } from "@flipside/api/span-text";
import { errorCodeOf, errorName } from "@flipside/image-format/error-names";
import type { CompleteNewRehearsal, RehearsedWorld } from "@flipside/api/types";

type Spread = NonNullable<RehearsedWorld["duration"]>;

function betweenText({ p10, p90 }: Spread): string {
  const [least, most] = [spanText(p10), spanText(p90)];
  return least === most ? least : `${least} to ${most}`;
}

const countText = ({ p10, p90 }: Spread): string => (p10 === p90 ? `${p10}` : `${p10} to ${p90}`);

const devicesText = (spread: Spread): string =>
  `${countText(spread)} ${spread.p10 === 1 && spread.p90 === 1 ? "device" : "devices"}`;

const percentText = (percent: number): string => `${Math.round(percent * 10) / 10} %`;

/** What is supposed of the image, as the beginning of a sentence. */
export function supposedText(
  kind: RehearsedWorld["kind"],
  { bad, late }: Pick<CompleteNewRehearsal, "bad" | "late">,
): string {
  if (kind === "good") return "the image is good";
  if (kind === "late")
    return `on ${percentText(late!.percent)} of devices the image crashes every ${spanText(late!.crashEveryMs)} after it was confirmed`;
  const of = bad!.hardware === null ? "devices" : `devices of ${bad!.hardware}`;
  return `on ${percentText(bad!.percent)} of ${of} the image fails its trial (${errorName(errorCodeOf(bad!.code)!)})`;
}

const stoppedAs: Record<string, string> = {
  paused: "pauses it",
  cancelled: "aborts it",
  "rolled-back": "rolls it back",
};

type World = Pick<RehearsedWorld, "kind" | "supposed" | "duration" | "ends" | "gates" | "devices">;

type Gate = RehearsedWorld["gates"][number];

/** Where the image is bad, on how many of those that had it. */
function harmText({ exposed, harmed }: Gate): string {
  if (exposed.p10 === harmed.p10 && exposed.p90 === harmed.p90) return "";
  return harmed.p90 === 0 ? ", and it is bad on none of these" : `, and it is bad on ${countText(harmed)} of these`;
}

function gateText(gate: Gate, { kind, ofRuns }: { kind: RehearsedWorld["kind"]; ofRuns: string }): string {
  const { state, wave, at, exposed } = gate;
  const had = `${devicesText(exposed)} had it${kind === "good" ? "" : harmText(gate)}`;
  return `${ofRuns}wave ${wave + 1} ${stoppedAs[state] ?? "stops it"} after ${betweenText(at)}; ${had}`;
}

/** What came of a world. */
export function conclusionOf({ kind, supposed, duration, ends, gates, devices }: World): string {
  const all = ends.reduce((sum, { runs }) => sum + runs, 0);
  const ofRuns = (runs: number): string => (runs === all ? "" : `in ${runs} of ${all} runs `);
  const completed = ends.find(({ state }) => state === "completed")?.runs ?? 0;
  const endless = ends.find(({ state }) => state === "running")?.runs ?? 0;
  const parts = gates.map((gate) => gateText(gate, { kind, ofRuns: ofRuns(gate.runs) }));
  if (completed > 0) {
    const when = gates.length === 0 && duration !== null ? ` in ${betweenText(duration)}` : "";
    const harm = devices.harmed.p90 > 0 ? "no gate stops it, and it is" : "it is";
    const left =
      devices.harmed.p90 > 0
        ? `; ${devicesText(devices.harmed)} got an image that is bad on them`
        : unreachedText(devices.unreached);
    parts.push(`${ofRuns(completed)}${harm} done${when}${left}`);
  }
  if (endless > 0) parts.push(`${ofRuns(endless)}it is not over after 40 days`);
  return `If ${supposed}: ${parts.join("; ")}.`;
}

const unreachedText = (unreached: Spread): string =>
  unreached.p90 === 0 ? "" : `; ${devicesText(unreached)} away all the time`;
