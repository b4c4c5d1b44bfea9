// Metrics as people read them. Apps report whole numbers under names that end in their unit: temp_mc is in thousandths
// of a degree.

import { t } from "@lingui/core/macro";
import { i18n } from "../language/i18n.ts";

interface Unit {
  suffix: RegExp;
  per: number;
  digits: number;
  unit: string;
}

const units: readonly Unit[] = [
  { suffix: /_mc$/, per: 1_000, digits: 1, unit: "°C" },
  { suffix: /_mv$/, per: 1_000, digits: 3, unit: "V" },
  { suffix: /_ma$/, per: 1_000, digits: 3, unit: "A" },
  { suffix: /_ms$/, per: 1, digits: 0, unit: "ms" },
  { suffix: /_us$/, per: 1, digits: 0, unit: "µs" },
  { suffix: /_s$/, per: 1, digits: 0, unit: "s" },
  { suffix: /_pct$|_percent$/, per: 1, digits: 0, unit: "%" },
  { suffix: /_bytes$/, per: 1, digits: 0, unit: t`bytes` },
  { suffix: /_hz$/, per: 1, digits: 0, unit: "Hz" },
  { suffix: /_dbm$/, per: 1, digits: 0, unit: "dBm" },
  { suffix: /_pa$/, per: 100, digits: 1, unit: "hPa" },
];

const unitOf = (name: string): Unit | undefined => units.find(({ suffix }) => suffix.test(name));

/** "21.0 °C" of temp_mc 21000; of a name that says no unit, the number alone. */
export function metricText(name: string, value: number): string {
  const found = unitOf(name);
  if (found === undefined) return value.toLocaleString(i18n.locale);
  const { per, digits, unit } = found;
  const shown = (value / per).toLocaleString(i18n.locale, {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  });
  return `${shown} ${unit}`;
}

/** Of an axis whose values are so far apart: "21.05" of temp_mc 21050, in the same unit, with the digits they need. */
export function metricTickText(name: string, value: number, step: number): string {
  const per = unitOf(name)?.per ?? 1;
  const digits = Math.max(0, -Math.floor(Math.log10(step / per) + 1e-9));
  return (value / per).toLocaleString(i18n.locale, { minimumFractionDigits: digits, maximumFractionDigits: digits });
}
