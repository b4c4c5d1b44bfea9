// What Mender's client says of a deployment, as what every agent's devices can claim (other-agents/claimed.ts). It can
// still be told to give up (409) until it says success, but for what this server has let pass its point of no return.

import { z } from "zod";
import type { Claimed } from "../other-agents/claimed.ts";

export const statusBytesMax = 16 * 1024;

export const statusShape = z.object({
  status: z.enum([
    "downloading",
    "installing",
    "rebooting",
    "pause_before_installing",
    "pause_before_rebooting",
    "pause_before_committing",
    "success",
    "failure",
    "already-installed",
  ]),
  substate: z.string().max(4096).nullish(),
});
export type Status = z.output<typeof statusShape>;

/** The client is done with it, and takes no answer to it: told 409 after its commit, it would roll back. */
export const isLast = ({ status }: Status): boolean =>
  status === "success" || status === "failure" || status === "already-installed";

export function claimedOf({ status }: Status): Claimed {
  switch (status) {
    case "downloading":
      return { kind: "at", state: "downloading" };
    case "installing":
      return { kind: "at", state: "verifying" };
    case "rebooting":
      return { kind: "at", state: "rebooting" };
    case "success":
    case "already-installed":
      return { kind: "success" };
    case "failure":
      return { kind: "failure" };
    case "pause_before_installing":
    case "pause_before_rebooting":
    case "pause_before_committing":
      return { kind: "nothing" };
  }
}

export const logBytesMax = 1024 * 1024;

/** Of a deployment that has failed. */
export const logShape = z.object({
  messages: z.array(z.object({ level: z.string().max(32).optional(), message: z.string() })).max(20_000),
});

const linesMax = 5;
const isWorthTelling = (level: string | undefined): boolean => /^(err|fatal|crit|panic)/i.test(level ?? "");

/** The last lines that tell what went wrong. */
export const tellingLines = ({ messages }: z.output<typeof logShape>): string[] =>
  messages
    .filter(({ level }) => isWorthTelling(level))
    .map(({ message }) => message.trim())
    .filter((message) => message !== "")
    .slice(-linesMax);
