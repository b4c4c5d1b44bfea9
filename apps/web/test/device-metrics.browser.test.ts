// A device's metrics on its page, in a real browser. Nothing here waits for a fixed time.

import { expect, it } from "vitest";
import { deployment, rollout } from "./fixtures.ts";
import { describeInBrowser } from "./signed-in.ts";

describeInBrowser("the page of a device", (open) => {
  it("draws what a device's app has reported, with its updates in it, over an hour, a day and a week", async () => {
    const { page, server, url } = await open("/devices");
    const now = Date.now();
    const minutesAgo = (minutes: number): string => new Date(now - minutes * 60_000).toISOString();
    const every = (stepMinutes: number, minutes: number, value: (minute: number) => number) =>
      Array.from({ length: minutes / stepMinutes }, (_, i) => minutes - i * stepMinutes).map((minute) => ({
        at: minutesAgo(minute),
        value: Math.round(value(minute)),
      }));
    const day = 24 * 60;
    server.metrics.set("dev-1", {
      temperature_mc: [
        ...every(5, 6 * day, (minute) => 21_000 + 3_000 * Math.sin(minute / 250) + (minute % 7) * 120),
      ].filter(({ at }) => at < minutesAgo(2 * day) || at > minutesAgo(1.5 * day)),
      "queue <length>": every(1, 90, (minute) => (minute > 30 ? 3 : 40 + (minute % 5))),
    });
    const updated = { state: "confirmed", finishedAt: minutesAgo(30), updatedAt: minutesAgo(30) } as const;
    const older = { state: "rolled-back", finishedAt: minutesAgo(3 * day), version: "1.0.9" } as const;
    server.rollouts.set(
      "r1",
      rollout("r1", { deployments: [deployment("d2", "dev-1", updated), deployment("d1", "dev-1", older)] }),
    );
    await page.goto(`${url}/devices/dev-1`);
    const metrics = page.getByRole("region", { name: "Metrics" });
    const chart = (name: string) => metrics.getByRole("img", { name: new RegExp(`^${name}`) });
    await chart("temperature_mc: [\\d.]+ °C, in the last day [\\d.]+ °C to [\\d.]+ °C; 1.1.0: ").waitFor();
    await metrics.getByText("queue <length>").waitFor();
    const pathsOf = (name: string, what: string): Promise<number> => chart(name).locator(`path.${what}`).count();
    expect([await pathsOf("temperature_mc", "line"), await pathsOf("temperature_mc", "band")]).toEqual([1, 0]);
    expect(await pathsOf("queue <length>", "band"), "five values in each piece").toBe(1);

    await metrics.getByRole("button", { name: "Last week" }).click();
    await chart("temperature_mc: .* in the last week .*; 1.1.0: .*; 1.0.9: ").waitFor();
    expect(await pathsOf("temperature_mc", "line"), "with a gap in between").toBe(2);
    expect(await pathsOf("temperature_mc", "band")).toBe(2);
    await chart("temperature_mc").hover();
    await metrics.getByText(/^\d+ \w+, \d\d:00: [\d.]+ °C \([\d.]+ °C to [\d.]+ °C\)$/).waitFor();
    const [lowest] = await chart("temperature_mc").locator("text").allTextContents();
    expect(lowest, "in degrees, as the value beside").toMatch(/^1\d(\.\d)?$/);

    await metrics.getByRole("button", { name: "Last hour" }).click();
    await chart("queue <length>: 41, in the last hour 3 to 44; 1.1.0: ").waitFor();
    expect(await pathsOf("queue <length>", "band")).toBe(0);

    await page.setViewportSize({ width: 360, height: 740 });
    await chart("queue <length>").waitFor();
    await expect.poll(() => page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);

    await page.goto(`${url}/devices/dev-2`);
    await metrics.getByText("The app of this device has reported no metrics.").waitFor();
  });
});
