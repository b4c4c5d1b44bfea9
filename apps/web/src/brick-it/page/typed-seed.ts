// A seed as somebody typed it.

import { t } from "@lingui/core/macro";

const SEED_MAX = 0xffff_ffff;

export const SEED_WORDS = t`A whole number from 0 to ${SEED_MAX}.`;

/** Undefined: it is none. */
export function seedOf(text: string): number | undefined {
  const seed = Number(text);
  return /^\d+$/.test(text.trim()) && seed <= SEED_MAX ? seed : undefined;
}
