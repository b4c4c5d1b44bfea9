// A rollout that somebody has begun to make, kept in this browser until it is started or thrown away.

import { newDraft, type RolloutDraft } from "./rollout-draft.ts";
import { waveRow } from "./typed-waves.ts";

export interface SavedDraft {
  /** When something of it was typed last; ISO 8601. */
  savedAt: string;
  draft: RolloutDraft;
}

/** Another form of it is another number: what was kept in an older one is let go. */
const version = 1;

/** Each account has one of its own in a browser that several people use. */
const nameFor = (userName: string): string => `flipside.rollout-draft.${userName}`;

/** A browser that keeps nothing, such as a private window with no room, is no fault of who types. */
function quietly<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch {
    return undefined;
  }
}

export function saveDraft(userName: string, draft: RolloutDraft): void {
  const stored = { ...draft, picked: [...draft.picked], supersedes: [...draft.supersedes] };
  const saved = { version, savedAt: new Date().toISOString(), draft: stored };
  quietly(() => localStorage.setItem(nameFor(userName), JSON.stringify(saved)));
}

export function forgetDraft(userName: string): void {
  quietly(() => localStorage.removeItem(nameFor(userName)));
}

/** Undefined: there is none, or none that can be read. */
export function savedDraft(userName: string): SavedDraft | undefined {
  return quietly(() => {
    const text = localStorage.getItem(nameFor(userName));
    return text === null ? undefined : readDraft(text);
  });
}

/** Throws when it is none. */
export function readDraft(text: string): SavedDraft | undefined {
  const saved = JSON.parse(text) as { version: number; savedAt: string; draft: Record<string, unknown> };
  if (saved.version !== version || typeof saved.draft["releaseId"] !== "string") return undefined;
  const stored = saved.draft as unknown as Omit<RolloutDraft, "picked" | "supersedes"> &
    Record<"picked" | "supersedes", string[]>;
  const draft: RolloutDraft = {
    ...newDraft(stored.releaseId),
    ...stored,
    picked: new Set(stored.picked),
    supersedes: new Set(stored.supersedes),
    // Keys are of what is shown: another page may have given them to other rows.
    waves: stored.waves.map((row) => ({ ...row, key: waveRow("", "devices").key })),
  };
  return { savedAt: saved.savedAt, draft };
}
