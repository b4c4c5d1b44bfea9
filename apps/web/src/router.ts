// Which page the address names. Paths are plain, the server answers every one of them with the console.

import { useCallback, useSyncExternalStore } from "react";
import { entryNow, leavePlace, newEntry, returnToPlace, watchPlace } from "./places.ts";

/** Below /access; the first of them is /access itself. */
const accessPages = {
  people: undefined,
  sessions: "sessions",
  tokens: "tokens",
  "second-person": "second-person",
  record: "record",
  notifications: "notifications",
} as const;

export type AccessPage = keyof typeof accessPages;

export type Route =
  | { page: "overview" }
  | { page: "devices" }
  | { page: "device"; id: string }
  | { page: "releases" }
  | { page: "release"; id: string }
  | { page: "rollouts" }
  | { page: "new-rollout"; releaseId: string | null; cloneOf: string | null }
  | { page: "rollout"; id: string }
  | { page: "trust" }
  | { page: "account" }
  | { page: "settings" }
  | { page: "words" }
  | { page: AccessPage }
  | { page: "password" }
  | { page: "not-found" };

/** The route of a path with query, such as `/rollouts/new?release=7`. */
export function routeOf(address: string): Route {
  const [path = "", query = ""] = address.split("?", 2);
  let parts: string[];
  try {
    parts = path
      .split("/")
      .filter((part) => part !== "")
      .map(decodeURIComponent);
  } catch {
    return { page: "not-found" };
  }
  const [section, id, ...rest] = parts;
  if (rest.length > 0) return { page: "not-found" };
  if (section === undefined) return { page: "overview" };
  if (section === "devices" && id === undefined) return { page: "devices" };
  if (section === "devices") return { page: "device", id: id! };
  if (section === "releases" && id === undefined) return { page: "releases" };
  if (section === "releases") return { page: "release", id: id! };
  if (section === "rollouts" && id === undefined) return { page: "rollouts" };
  if (section === "rollouts" && id === "new")
    return {
      page: "new-rollout",
      releaseId: new URLSearchParams(query).get("release"),
      cloneOf: new URLSearchParams(query).get("clone"),
    };
  if (section === "rollouts") return { page: "rollout", id: id! };
  if (section === "trust" && id === undefined) return { page: "trust" };
  if (section === "access") {
    const found = (Object.keys(accessPages) as AccessPage[]).find((page) => accessPages[page] === id);
    return { page: found ?? "not-found" };
  }
  if (section === "settings" && id === undefined) return { page: "settings" };
  if (section === "words" && id === undefined) return { page: "words" };
  if (section === "account" && id === undefined) return { page: "account" };
  if (section === "password" && id === undefined) return { page: "password" };
  return { page: "not-found" };
}

/** Those that the filter means. */
export const devicesPath = (filter: string): string => `/devices?${new URLSearchParams({ filter })}`;
export const devicePath = (id: string): string => `/devices/${encodeURIComponent(id)}`;
export const releasePath = (id: string): string => `/releases/${encodeURIComponent(id)}`;
export const rolloutPath = (id: string): string => `/rollouts/${encodeURIComponent(id)}`;
export const newRolloutPath = (releaseId?: string): string =>
  releaseId === undefined ? "/rollouts/new" : `/rollouts/new?release=${encodeURIComponent(releaseId)}`;

/** To those that the filter means. */
export const newRolloutFor = (filter: string): string => `/rollouts/new?${new URLSearchParams({ filter })}`;

/** What a new rollout is asked to be for; empty: nothing is said of it. */
export const filterInAddress = (): string => new URLSearchParams(globalThis.location?.search ?? "").get("filter") ?? "";

export const clonePath = (id: string): string => `/rollouts/new?clone=${encodeURIComponent(id)}`;

const listeners = new Set<() => void>();
let navigations = 0;
/** Of what is shown, also while somebody is asked whether to leave. */
let shownAddress: string | undefined;
let shownEntry = 0;

const addressNow = (): string => window.location.pathname + window.location.search;

/** Whether the page was reached from another one, not by loading it: then its heading takes the focus. */
export const arrivedByNavigation = (): boolean => navigations > 0;

function told(): void {
  shownAddress = addressNow();
  shownEntry = entryNow();
  for (const listener of listeners) listener();
}

let guard: ((leave: () => void) => void) | undefined;

/** Whoever wants to go elsewhere, by a link or by Back, is asked first; `leave` goes there. Returns what ends that. */
export function guardLeaving(ask: (leave: () => void) => void): () => void {
  guard = ask;
  return () => {
    if (guard === ask) guard = undefined;
  };
}

/** `isMeant`: whatever is typed on this page, it is left. */
export function navigate(path: string, { isMeant = false } = {}): void {
  if (guard !== undefined && !isMeant) return guard(() => navigate(path, { isMeant: true }));
  leavePlace();
  history.pushState({ entry: newEntry() }, "", path);
  navigations++;
  window.scrollTo(0, 0);
  told();
}

/** Going back or forth that was asked for here, and what it is for. */
let expected: "to-stay" | "to-leave" | undefined;

function wentBackOrForth(): void {
  const why = expected;
  expected = undefined;
  if (why === "to-stay") return;
  // A link to a part of the page, such as the one that skips to its content: still the same page.
  if (history.state === null && addressNow() === shown()) return history.replaceState({ entry: shownEntry }, "");
  const steps = entryNow() - shownEntry;
  // A step of the same page, such as from a review to its form, leaves nothing.
  const isSamePage = JSON.stringify(routeOf(addressNow())) === JSON.stringify(routeOf(shown()));
  if (guard !== undefined && why !== "to-leave" && steps !== 0 && !isSamePage) {
    // The browser has gone there already, and can't be asked not to.
    expected = "to-stay";
    history.go(-steps);
    return guard(() => {
      expected = "to-leave";
      history.go(steps);
    });
  }
  navigations++;
  told();
  returnToPlace();
}

function subscribe(listener: () => void): () => void {
  if (listeners.size === 0) {
    shownAddress = addressNow();
    shownEntry = entryNow();
    window.addEventListener("popstate", wentBackOrForth);
    watchPlace();
  }
  listeners.add(listener);
  return () => {
    listeners.delete(listener);
    if (listeners.size === 0) window.removeEventListener("popstate", wentBackOrForth);
  };
}

const shown = (): string => (shownAddress ??= addressNow());

export const useAddress = (): string => useSyncExternalStore(subscribe, shown);

const paramsNow = (): URLSearchParams => new URLSearchParams(shown().split("?")[1]);

/**
 * A member of the address's query, so that it is there again after Back or a reload, and for whoever is given the
 * address. Empty: it is not there. Changing it is no step that Back would undo.
 */
export function useParam(name: string): [value: string, change: (value: string) => void] {
  const value = useSyncExternalStore(subscribe, () => paramsNow().get(name) ?? "");
  const change = useCallback(
    (wanted: string) => {
      const params = paramsNow();
      if (wanted === "") params.delete(name);
      else params.set(name, wanted);
      const query = params.size === 0 ? "" : `?${params}`;
      history.replaceState(history.state, "", window.location.pathname + query);
      told();
    },
    [name],
  );
  return [value, change];
}
