// Numbers and times as people read them.

import { plural, t } from "@lingui/core/macro";
import { i18n } from "../language/i18n.ts";
import { shownZone } from "../shown-zone.ts";

/** Of dates. Days before months, and 24 hours, in English, too. */
export const dates = i18n.locale === "en" ? "en-GB" : i18n.locale;
const number = new Intl.NumberFormat(i18n.locale);
const oneDigit = new Intl.NumberFormat(i18n.locale, { maximumFractionDigits: 1 });

export const count = (n: number): string => number.format(n);

export function bytes(n: number): string {
  if (n < 1024) return plural(n, { one: "# byte", other: "# bytes" });
  if (n < 1024 * 1024) return `${oneDigit.format(n / 1024)} KiB`;
  return `${oneDigit.format(n / 1024 / 1024)} MiB`;
}

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;

/** A length of time in the largest unit of which it is a whole number. */
export function duration(ms: number): string {
  if (ms % day === 0 && ms > 0) {
    const days = ms / day;
    return plural(days, { one: "# day", other: "# days" });
  }
  if (ms % hour === 0 && ms > 0) {
    const hours = count(ms / hour);
    return t`${hours} h`;
  }
  if (ms % minute === 0 && ms > 0) {
    const minutes = count(ms / minute);
    return t`${minutes} min`;
  }
  const seconds = oneDigit.format(ms / 1000);
  return t`${seconds} s`;
}

/** How long ago `iso` was, coarse enough to stay calm. */
export function ago(iso: string, now: number): string {
  const passed = now - Date.parse(iso);
  if (Number.isNaN(passed)) return iso;
  if (passed < 10_000) return t`just now`;
  const [seconds, minutes] = [Math.floor(passed / 10_000) * 10, Math.floor(passed / minute)];
  if (passed < minute) return t`${seconds} s ago`;
  if (passed < hour) return t`${minutes} min ago`;
  const [hours, days] = [Math.floor(passed / hour), Math.floor(passed / day)];
  if (passed < day) return t`${hours} h ago`;
  return plural(days, { one: "# day ago", other: "# days ago" });
}

function shown(iso: string, form: Intl.DateTimeFormatOptions): string {
  const at = new Date(iso);
  if (Number.isNaN(at.getTime())) return iso;
  return shownZone() === "utc"
    ? `${at.toLocaleString(dates, { ...form, timeZone: "UTC" })} UTC`
    : at.toLocaleString(dates, form);
}

/** The exact moment, in the time zone that was chosen. */
export const moment = (iso: string): string => shown(iso, { dateStyle: "medium", timeStyle: "medium" });

/** The reader's, such as "Europe/Berlin". */
export const ownTimeZone = (): string => Intl.DateTimeFormat().resolvedOptions().timeZone;

const nearForm: Intl.DateTimeFormatOptions = { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" };

/** A moment near by: day and minute. */
export const nearMoment = (iso: string): string => shown(iso, nearForm);

/** One of several in so long a time: with seconds where minutes may not tell them apart. */
export const momentWithin = (spanMs: number, iso: string): string =>
  shown(iso, spanMs < 10 * minute ? { ...nearForm, second: "2-digit" } : nearForm);

/** A remark of the server's as a sentence of its own. A word that is a name (with a digit or hyphen) keeps its case. */
export function asSentence(remark: string): string {
  const text = remark.trim();
  if (text === "") return "";
  const first = /^[a-z]+(?=[\s,:.]|$)/.test(text) ? text[0]!.toUpperCase() + text.slice(1) : text;
  if (/[.!?:。！？：]$/.test(first)) return first;
  return i18n.locale !== "en" && /\p{Script=Han}/u.test(first) ? `${first}。` : `${first}.`;
}

/** The start of a digest: enough to tell images apart by eye. */
export const shortDigest = (digest: string): string => digest.slice(0, 12);
