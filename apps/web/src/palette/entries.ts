// What the command palette finds: pages, things of the fleet by their names, and what can be done from anywhere. Pure.

import type { Permission } from "@flipside/api/permissions";
import type { Device, Release, RolloutSummary, User } from "@flipside/api/types";
import { accessPages } from "../components/access-nav.tsx";
import { devicePath, newRolloutPath, rolloutPath } from "../router.ts";

export type Act = "stop-updates" | "sign-out";

export interface Entry {
  /** Of its own among all entries. */
  key: string;
  group: "Pages" | "Actions" | "Devices" | "Rollouts" | "Releases";
  label: string;
  /** Beside it: what it is. */
  note?: string;
  opens: { path: string } | { act: Act };
}

interface Listed extends Pick<Entry, "label" | "opens"> {
  /** Undefined: whoever is signed in. */
  needs?: Permission;
  /** Other words by which people look for it. */
  also?: string;
}

const pages: readonly Listed[] = [
  { label: "Overview", opens: { path: "/" }, also: "home attention" },
  { label: "Devices", opens: { path: "/devices" }, also: "fleet" },
  { label: "Releases", opens: { path: "/releases" }, also: "images upload" },
  { label: "Rollouts", opens: { path: "/rollouts" }, also: "deployments updates" },
  { label: "Trust", opens: { path: "/trust" }, also: "keys chain" },
  ...accessPages.map(({ label, href, takes }) => ({ label, opens: { path: href }, needs: takes, also: "access" })),
  { label: "My account", opens: { path: "/account" }, also: "passkeys password tokens sessions" },
  { label: "Try to brick it", opens: { path: "/brick-it/?console" }, also: "simulator power cut" },
];

const actions: readonly Listed[] = [
  { label: "New rollout", opens: { path: newRolloutPath() }, needs: "rollouts:write", also: "update deploy start" },
  { label: "Stop all updates…", opens: { act: "stop-updates" }, needs: "updates:stop", also: "emergency pause halt" },
  { label: "Sign out", opens: { act: "sign-out" }, also: "log out leave" },
];

export interface Known {
  user: Pick<User, "may">;
  /** Those that the server found. */
  devices: readonly Device[];
  rollouts: readonly RolloutSummary[];
  releases: readonly Release[];
}

/** Of each kind. */
export const shownMax = 6;

const wordsIn = (text: string): string[] =>
  text
    .toLowerCase()
    .split(/[\s/]+/)
    .filter(Boolean);

/** Whether each word that was typed begins a word of the text, or stands in its first one. */
function isMeant(typed: string, label: string, also = ""): boolean {
  const words = wordsIn(`${label} ${also}`);
  return wordsIn(typed).every((part) => words.some((word) => word.startsWith(part)) || words[0]?.includes(part));
}

const listed = (group: Entry["group"], all: readonly Listed[], typed: string, { may }: Known["user"]): Entry[] =>
  all
    .filter(({ needs, label, also }) => (needs === undefined || may.includes(needs)) && isMeant(typed, label, also))
    .map(({ label, opens }) => ({ key: `${group} ${label}`, group, label, opens }));

/** Nothing was typed: pages and actions alone. */
export function entriesFor(typed: string, { user, devices, rollouts, releases }: Known): Entry[] {
  const fixed = [...listed("Pages", pages, typed, user), ...listed("Actions", actions, typed, user)];
  if (typed.trim() === "") return fixed;
  const things: Entry[] = [
    ...devices.slice(0, shownMax).map(
      ({ id, running, online }): Entry => ({
        ...{ key: `device ${id}`, group: "Devices", label: id, opens: { path: devicePath(id) } },
        note: `${running?.version ?? "never checked in"}, ${online ? "online" : "offline"}`,
      }),
    ),
    ...rollouts
      .filter(({ name, version }) => isMeant(typed, name, version))
      .slice(0, shownMax)
      .map(
        ({ id, name, version, state }): Entry => ({
          ...{ key: `rollout ${id}`, group: "Rollouts", label: name, opens: { path: rolloutPath(id) } },
          note: `${version}, ${state}`,
        }),
      ),
    ...releases
      .filter(({ product, version }) => isMeant(typed, product, version))
      .slice(0, shownMax)
      .map(
        ({ id, product, version }): Entry => ({
          ...{ key: `release ${id}`, group: "Releases", label: `${product} ${version}` },
          ...{ note: "roll it out", opens: { path: newRolloutPath(id) } },
        }),
      ),
  ];
  return [...fixed, ...things];
}
