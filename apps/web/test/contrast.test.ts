import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";

const css = readFileSync(new URL("../src/styles/tokens.css", import.meta.url), "utf8");
const colours = (part: string): Record<string, string> =>
  Object.fromEntries([...part.matchAll(/--([\w-]+): (#[0-9a-f]{6})/g)].map((match) => [match[1]!, match[2]!]));
const [lightPart, darkPart] = css.split("@media (prefers-color-scheme: dark)") as [string, string];
const themes = { light: colours(lightPart), dark: { ...colours(lightPart), ...colours(darkPart) } };

/** Relative luminance and contrast ratio, WCAG 2.2. */
function luminance(hex: string): number {
  const [r, g, b] = [1, 3, 5].map((at) => {
    const channel = parseInt(hex.slice(at, at + 2), 16) / 255;
    return channel <= 0.04045 ? channel / 12.92 : ((channel + 0.055) / 1.055) ** 2.4;
  }) as [number, number, number];
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function contrast(one: string, two: string): number {
  const [dark, light] = [luminance(one), luminance(two)].sort((a, b) => a - b) as [number, number];
  return (light + 0.05) / (dark + 0.05);
}

describe.each(Object.entries(themes))("in the %s theme", (_name, theme) => {
  const tones = ["ok", "warn", "bad", "busy", "idle"];
  const text = [
    ...["ground", "surface", "sunken"].flatMap((ground) => ["ink", "ink-2"].map((ink) => [ink, ground])),
    ...["ground", "surface", "accent-soft"].map((ground) => ["accent", ground]),
    ["ok", "accent-soft"],
    ["ink-2", "accent-soft"],
    ["on-accent", "accent"],
    ["on-accent", "accent-hover"],
    ["surface", "bad"],
    ["surface", "ink"],
    ...tones.flatMap((tone) => [
      [tone, `${tone}-soft`],
      [tone, "surface"],
      ["ink", `${tone}-soft`],
    ]),
  ] as [string, string][];

  it.each(text)("%s on %s can be read (4.5:1)", (ink, ground) => {
    expect(contrast(theme[ink]!, theme[ground]!)).toBeGreaterThanOrEqual(4.5);
  });

  it.each([
    ["line-control", "surface"],
    ["line-control", "ground"],
    ["accent", "surface"],
    ["ok-fill", "surface"],
    ["bad-fill", "surface"],
    ["busy-fill", "surface"],
  ])("%s on %s can be made out (3:1)", (shape, ground) => {
    expect(contrast(theme[shape]!, theme[ground]!)).toBeGreaterThanOrEqual(3);
  });
});
