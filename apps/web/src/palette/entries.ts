// What the command palette finds: pages, things of the fleet by their names, and what can be done from anywhere. Pure.

import { t } from "@lingui/core/macro";
import type { Permission } from "@flipside/api/permissions";
import type { Device, Release, RolloutSummary, User } from "@flipside/api/types";
import { accessPages } from "../components/access-nav.tsx";
import { devicePath, newRolloutPath, rolloutPath } from "../router.ts";

export type Act = "stop-updates" | "sign-out";

export interface Entry {
  /** Of its own among all entries. */
  key: string;
  /** The heading of those of its kind. */
  group: string;
  label: string;
  /** Beside it: what it is. */
  note?: string;
  opens: { path: string } | { act: Act };
}

interface Listed extends Pick<Entry, "label" | "opens"> {
  /** Undefined: whoever is signed in. */
  needs?: Permission;
  /** Other words by which people look for it: in English, too, where the page is in another language. */
  also?: string;
}

const pages: readonly Listed[] = [
  { label: t`Overview`, opens: { path: "/" }, also: t`home attention` },
  { label: t`Devices`, opens: { path: "/devices" }, also: t({ message: "fleet", context: "words to find a page by" }) },
  { label: t`Releases`, opens: { path: "/releases" }, also: t`images upload` },
  { label: t`Rollouts`, opens: { path: "/rollouts" }, also: t`deployments updates` },
  { label: t`Trust`, opens: { path: "/trust" }, also: t`keys chain` },
  ...accessPages.map(({ label, href, takes }) => ({
    label,
    opens: { path: href },
    needs: takes,
    also: t({ message: "access", context: "words to find a page by" }),
  })),
  { label: t`My account`, opens: { path: "/account" }, also: t`passkeys password tokens sessions` },
  { label: t`Words`, opens: { path: "/words" }, also: t`glossary terms help` },
  { label: t`Try to brick it`, opens: { path: "/brick-it/?console" }, also: t`simulator power cut` },
];

const actions: readonly Listed[] = [
  { label: t`New rollout`, opens: { path: newRolloutPath() }, needs: "rollouts:write", also: t`update deploy start` },
  { label: t`Stop all updates…`, opens: { act: "stop-updates" }, needs: "updates:stop", also: t`emergency pause halt` },
  { label: t`Sign out`, opens: { act: "sign-out" }, also: t`log out leave` },
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

const listed = (group: string, all: readonly Listed[], typed: string, { may }: Known["user"]): Entry[] =>
  all
    .filter(({ needs, label, also }) => (needs === undefined || may.includes(needs)) && isMeant(typed, label, also))
    .map(({ label, opens }) => ({ key: `${group} ${label}`, group, label, opens }));

const deviceNote = (version: string, online: boolean): string =>
  online ? t`${version}, online` : t`${version}, offline`;

const stateNotes: Partial<Record<string, string>> = {
  running: t`running`,
  paused: t`paused`,
  completed: t`completed`,
  cancelled: t`cancelled`,
  "rolled-back": t`rolled-back`,
};

/** Nothing was typed: pages and actions alone. */
export function entriesFor(typed: string, { user, devices, rollouts, releases }: Known): Entry[] {
  const fixed = [...listed(t`Pages`, pages, typed, user), ...listed(t`Actions`, actions, typed, user)];
  if (typed.trim() === "") return fixed;
  const things: Entry[] = [
    ...devices.slice(0, shownMax).map(
      ({ id, running, online }): Entry => ({
        ...{ key: `device ${id}`, group: t`Devices`, label: id, opens: { path: devicePath(id) } },
        note: deviceNote(running?.version ?? t`never checked in`, online),
      }),
    ),
    ...rollouts
      .filter(({ name, version }) => isMeant(typed, name, version))
      .slice(0, shownMax)
      .map(
        ({ id, name, version, state }): Entry => ({
          ...{ key: `rollout ${id}`, group: t`Rollouts`, label: name, opens: { path: rolloutPath(id) } },
          note: t`${version}, ${{ state: stateNotes[state] ?? state }}`,
        }),
      ),
    ...releases
      .filter(({ product, version }) => isMeant(typed, product, version))
      .slice(0, shownMax)
      .map(
        ({ id, product, version }): Entry => ({
          ...{ key: `release ${id}`, group: t`Releases`, label: `${product} ${version}` },
          ...{ note: t`roll it out`, opens: { path: newRolloutPath(id) } },
        }),
      ),
  ];
  return [...fixed, ...things];
}
