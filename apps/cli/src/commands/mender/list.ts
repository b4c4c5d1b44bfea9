// `flipside mender list`

import { everyPage } from "@flipside/api/every-page";
import type { MenderAuthSet, MenderAuthSetState } from "@flipside/api/types";
import { command, type Invocation } from "../../command-line/command.ts";
import { UsageError } from "../../command-line/failures.ts";
import { table } from "../../command-line/table.ts";

const states: readonly MenderAuthSetState[] = ["pending", "accepted", "rejected"];

function readState(text: string): MenderAuthSetState {
  const state = states.find((each) => each === text);
  if (state === undefined) throw new UsageError(`a state is one of ${states.join(", ")}`);
  return state;
}

const options = {
  state: { value: "STATE", what: `only those that are ${states.join(", ")}`, read: readState },
} as const;

const said = ({ identity }: MenderAuthSet): string =>
  Object.entries(identity)
    .map(([name, value]) => `${name}=${value}`)
    .join(" ");

async function run({ options: { state }, connect }: Invocation<typeof options>) {
  const api = connect();
  const authSets = await everyPage<MenderAuthSet>(async (page) => {
    const query = { ...page, ...(state === undefined ? {} : { state }) };
    const { authSets: members, next } = await api("GET /api/v1/mender/auth-sets", { query });
    return { members, next };
  });
  const rows = authSets.map((set) => [set.id, set.state, set.deviceId ?? "-", said(set), set.askedAt ?? "never"]);
  return {
    json: { authSets, next: null },
    text: rows.length === 0 ? "no auth sets" : table(["ID", "STATE", "DEVICE", "IDENTITY", "ASKED"], rows),
  };
}

export const listMender = command({
  name: "mender list",
  summary: "Keys that speak for devices with Mender's client, or would like to",
  about: "A key that nobody has accepted waits; another key of a device that is known waits as well (docs/mender.md).",
  options,
  examples: ["flipside mender list --state pending"],
  connects: true,
  run,
});
