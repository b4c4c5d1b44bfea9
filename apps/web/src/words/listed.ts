// Parts one behind the other, with what the language has between them.

import { t } from "@lingui/core/macro";
import { i18n } from "../language/i18n.ts";

const names = new Intl.ListFormat(i18n.locale, { style: "narrow" });

/** Names and the like: "a, b, c". */
export const listed = (parts: readonly string[]): string => names.format(parts);

/** Sentences, each whole. */
export const inARow = (...sentences: readonly string[]): string =>
  sentences.length === 0 ? "" : sentences.reduce((before, next) => t`${before} ${next}`);

/** Clauses of a sentence: "it starts at once, each wave is approved". */
export const joined = (clauses: readonly string[]): string =>
  clauses.length === 0 ? "" : clauses.reduce((before, next) => t`${before}, ${next}`);
