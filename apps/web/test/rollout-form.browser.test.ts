// The console's form for a rollout, in a real browser. Nothing here waits for a fixed time.

import { expect, it } from "vitest";
import { device } from "./fixtures.ts";
import { describeInBrowser } from "./signed-in.ts";

describeInBrowser("the form that makes a rollout", (open, begin) => {
  it("asks for what is seldom set: rules of one wave, a start, a growing rate, windows, tries by error code", async () => {
    const { page, server } = await open("/rollouts/new");
    await page.getByRole("button", { name: "Rules of wave 1" }).click();
    const wave1 = page.getByRole("group", { name: "Rules of wave 1" });
    await wave1.getByLabel("Then").selectOption("Cancel the rollout");
    await wave1.getByLabel("Watched for").fill("1000");
    await page.getByText("Starts at once, as fast as devices ask").click();
    await page.getByLabel("Starts not before").fill("2030-01-02T03:04");
    const when = page.getByRole("group", { name: "When and how fast" });
    await when.getByLabel("How fast").selectOption("At a rate that grows");
    await page.getByLabel("Offers an hour at first").fill("0");
    await page.getByLabel("Grows").fill("3");
    await page.getByLabel("Whenever so many more are confirmed").fill("20");
    await page.getByLabel("Each wave wants the approval of somebody else").check();
    await page.getByText("Offers at any hour").click();
    await page.getByRole("button", { name: "Add window" }).click();
    const window1 = page.getByRole("group", { name: "Maintenance window 1" });
    for (const day of ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"])
      await window1.getByLabel(day).uncheck();
    await window1.getByLabel("Opens").fill("22:30");
    await page.getByLabel("Time zone", { exact: true }).fill("Europe/Nowhere");
    await page.getByLabel("In each device’s own time zone").check();
    await page.getByText("Nothing is tried again by itself").click();
    await page.getByRole("button", { name: "Add case" }).click();
    const case1 = page.getByRole("group", { name: "Retry case 1" });
    await case1.getByLabel("With error codes").fill("flash-failed no-such-code");
    await case1.getByLabel("Tries after the first").fill("3");

    await page.getByRole("button", { name: "Review rollout" }).click();
    await page.getByText("Give a number above 0, up to 3,600,000.").waitFor();
    await window1.getByText("Choose at least one day on which it opens.").waitFor();
    await page.getByText("There is no such time zone.").waitFor();
    await case1.getByText("No error code is named no-such-code.").waitFor();
    await wave1.getByText("Give a time from 0 to 30 days.").waitFor();
    expect(server.asked).toEqual([]);

    await page.getByLabel("Offers an hour at first").fill("60");
    await window1.getByLabel("Saturday").check();
    await page.getByLabel("Time zone", { exact: true }).fill("Europe/Zurich");
    await case1.getByLabel("With error codes").fill("flash-failed");
    await wave1.getByLabel("Watched for").fill("2");
    await page.getByRole("button", { name: "Rules of wave 3" }).click();
    await page.getByRole("group", { name: "Rules of wave 3" }).getByLabel("Failures above").fill("0");
    await page.getByRole("button", { name: "Review rollout" }).click();
    await page.getByRole("button", { name: "Start rollout" }).click();
    await page.getByRole("heading", { name: "flipside-demo 1.1.0", exact: true }).waitFor();
    const startAt = await page.evaluate(() => new Date("2030-01-02T03:04").toISOString());
    expect(server.asked.at(-1)).toMatchObject({
      waves: [
        { count: 1, thresholdAction: "abort", soakMs: 2 * 3_600_000 },
        { percent: 25 },
        { percent: 100, failureThresholdPercent: 0 },
      ],
      startAt,
      approval: true,
      rate: { perHour: 60, growthFactor: 3, growthConfirmed: 20 },
      maintenance: {
        timeZone: "Europe/Zurich",
        ofDevice: true,
        windows: [{ days: ["sat"], from: "22:30", to: "05:00" }],
      },
      retries: [{ after: "failed", codes: ["flash-failed"], retriesMax: 3, delayMs: 60_000 }],
    });
  });

  it("takes canaries by a filter, which it marks where it is wrong, and shows how many that are", async () => {
    const { page, server } = await open("/rollouts/new");
    for (const id of ["dev-2", "dev-4"]) server.devices.set(id, device(id, { tags: ["canary"] }));
    await page.reload();
    await page.getByLabel("Unit of wave 1").selectOption("of those that a filter means");
    const filter = page.getByLabel("Filter of wave 1");
    const preview = page.getByRole("status", { name: "Preview of the waves" });
    await page.getByRole("button", { name: "Review rollout" }).click();
    await page.getByText("Write a filter, such as tag = canary.").waitFor();
    await filter.fill("tag == canary");
    await page.getByText("^^", { exact: false }).waitFor();
    await filter.fill("tag = canaries");
    await page.getByText("The filter means no device that the waves before have left.").waitFor();
    await filter.fill("tag = canary");
    await preview.getByText("Wave 1 1 device").waitFor();
    await page.getByLabel("Size of wave 1").fill("");
    await preview.getByText("Wave 1 2 devices").waitFor();
    expect(server.asked).toEqual([]);
    await page.getByRole("button", { name: "Review rollout" }).click();
    await page.getByRole("button", { name: "Start rollout" }).click();
    await page.getByRole("heading", { name: "flipside-demo 1.1.0", exact: true }).waitFor();
    expect(server.asked.at(-1)!.waves).toEqual([{ filter: "tag = canary" }, { percent: 25 }]);
    await page.getByText("Rules", { exact: true }).click();
    await page
      .getByRole("row", { name: /Wave 1/ })
      .getByText("tag = canary")
      .waitFor();
  });

  it("makes a rollout that stays open, though nobody matches yet, and closes it", async () => {
    const { page, server } = await open("/rollouts/new");
    await page.getByLabel("Devices that a filter means").check();
    await page.getByLabel("Filter", { exact: true }).fill("tag = stable");
    await page.getByRole("button", { name: "Review rollout" }).click();
    await page.getByText("The filter means no device that the release fits.").waitFor();
    await page.getByLabel("Stays open: devices that come to match later join it").check();
    await page.getByRole("button", { name: "Remove wave 1" }).click();
    await page.getByRole("button", { name: "Remove wave 1" }).click();
    await page.getByRole("button", { name: "Review rollout" }).click();
    await page.getByRole("button", { name: "Start rollout" }).click();
    await page.getByRole("heading", { name: "flipside-demo 1.1.0", exact: true }).waitFor();
    expect(server.asked.at(-1)).toMatchObject({ target: { filter: "tag = stable" }, continuous: true });
    await page.getByText("Stays open", { exact: true }).waitFor();
    await page.getByRole("button", { name: "Close target" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Close target" }).click();
    await page.getByText("Stays open", { exact: true }).waitFor({ state: "hidden" });
    expect(await page.getByRole("button", { name: "Close target" }).count()).toBe(0);
  });

  it("fills itself in with a rollout that is to be made again, and ends that one by its start", async () => {
    const { page, server } = await open("/rollouts/new");
    await page.getByLabel("Name").fill("the first");
    await page.getByRole("button", { name: "Rules of wave 1" }).click();
    await page.getByRole("group", { name: "Rules of wave 1" }).getByLabel("Failures above").fill("5");
    await page.getByText("Offers at any hour").click();
    await page.getByRole("button", { name: "Add window" }).click();
    await page.getByRole("button", { name: "Review rollout" }).click();
    await page.getByRole("button", { name: "Start rollout" }).click();
    await page.getByRole("heading", { name: "the first", exact: true }).waitFor();
    await page.getByRole("link", { name: "Copy" }).click();
    await page.getByRole("heading", { name: "New rollout" }).waitFor();
    await page.getByText("Offers in 1 maintenance window").waitFor();
    expect(await page.getByRole("group", { name: "Rules of wave 1" }).getByLabel("Failures above").inputValue()).toBe(
      "5",
    );
    await page.getByLabel("Name").fill("the second");
    await page.getByRole("group", { name: "Supersedes" }).getByLabel("the first").check();
    await page.getByRole("button", { name: "Review rollout" }).click();
    await page.getByRole("button", { name: "Start rollout" }).click();
    await page.getByRole("heading", { name: "the second", exact: true }).waitFor();
    const [first, second] = server.asked;
    expect(second).toEqual({ ...first, name: "the second", supersedes: ["r1"] });
    await page.getByRole("link", { name: "another rollout" }).click();
    await page.getByRole("heading", { name: "the first" }).waitFor();
    await page.getByRole("link", { name: "superseded" }).click();
    await page.getByRole("heading", { name: "the second" }).waitFor();
  });

  it("resizes the waves of a rollout that have not begun, and says what they would have", async () => {
    const { page, server } = await open("/rollouts/new");
    await page.getByRole("button", { name: "Review rollout" }).click();
    await page.getByRole("button", { name: "Start rollout" }).click();
    await page.getByRole("heading", { name: "flipside-demo 1.1.0", exact: true }).waitFor();
    await page.getByRole("button", { name: "Resize waves" }).click();
    const dialog = page.getByRole("dialog");
    const sizes = dialog.getByLabel("Sizes");
    expect(await sizes.inputValue()).toBe("1");
    await sizes.fill("1, 10 %");
    await dialog.getByRole("button", { name: "Resize waves" }).click();
    await dialog.getByText("Nothing is left for one of them").waitFor();
    await sizes.fill("0.5");
    await dialog.getByText("Give a whole number of devices, 1 or more.").waitFor();
    await sizes.fill("2, 80 %");
    await dialog.getByText("Then wave 2 has 2, wave 3 has 1, wave 4 has 1.").waitFor();
    await dialog.getByRole("button", { name: "Resize waves" }).click();
    await page.getByText("Waves resized.").waitFor();
    expect(server.rollouts.get("r1")!.waves.map(({ total }) => total)).toEqual([1, 2, 1, 1]);
  });

  it("asks for an urgent rollout that is watched, with who goes first, what counts and how long it is offered", async () => {
    const { page, server } = await open("/rollouts/new");
    const order = page.getByLabel("Who goes first");
    await order.selectOption("Drawn by lot");
    await page.getByText("a fair sample").waitFor();
    await page.getByLabel("Watch each wave for").fill("");
    await page.getByLabel("Failures count from").fill("0.5");
    const late = page.getByLabel("Still offer to devices that come back within");
    await late.waitFor({ state: "hidden" });
    const more = page.getByText("More", { exact: true });
    await more.focus();
    await page.keyboard.press("Enter");
    await late.fill("367");
    await more.click();
    await late.waitFor({ state: "hidden" });
    const pace = page.getByText("Starts at once, as fast as devices ask");
    await pace.click();
    await page.getByLabel("Devices at work at a time").fill("ten");

    await page.getByRole("button", { name: "Review rollout" }).click();
    await page.getByText("Give a time from 0 to 30 days.").waitFor();
    const focused = (): Promise<string | undefined> =>
      page.evaluate(() => (document.activeElement as HTMLInputElement).labels?.[0]?.innerText);
    await expect.poll(focused).toBe("Watch each wave for");
    // What is wrong is in sight, and stays there.
    await expect.poll(() => page.getByText("Give a whole number of devices, 1 or more.").count()).toBe(2);
    await page.getByText("Give a number of days from 0 to 366.").waitFor();
    await more.click();
    await page.getByLabel("Watch each wave for").fill("90");
    await page.getByLabel("Unit of the watch").selectOption("minutes");
    await page.getByText("watched for 90 minutes").waitFor();
    await page.getByRole("button", { name: "Review rollout" }).click();
    await expect.poll(focused).toBe("Failures count from");
    await page.keyboard.press("Control+a");
    await page.keyboard.type("3");
    await page.getByText("above 50 % failures, of 3 devices or more").waitFor();
    await late.fill("7");
    await page.getByLabel("Devices at work at a time").fill("20");
    await page.getByText("at most 20 devices").waitFor();
    await page.getByLabel("Pause when updated devices crash more often than those that wait").check();
    await page.getByText("pauses when updated devices crash more often").waitFor();
    await page.getByLabel("Urgent: overtakes other rollouts on the same devices").check();
    expect(server.asked).toEqual([]);
    await page.getByRole("button", { name: "Review rollout" }).click();
    await page.getByRole("button", { name: "Start rollout" }).click();
    await page.getByRole("heading", { name: "flipside-demo 1.1.0", exact: true }).waitFor();
    expect(server.asked.at(-1)).toMatchObject({
      minimumSample: 3,
      soakMs: 90 * 60_000,
      lateOffersMs: 7 * 86_400_000,
      order: "random",
      underWayMax: 20,
      health: { metrics: [{ kind: "crashes" }], errorRate: 0.01, action: "pause" },
      urgent: true,
    });
    await page.getByText("Urgent", { exact: true }).waitFor();
  });

  it("starts a rollout by a filter, after it has asked what that would meet", async () => {
    const { page, server, signIn } = await begin();
    server.devices.set("dev-2", device("dev-2", { tags: ["canary"] }));
    server.devices.set("dev-4", device("dev-4", { tags: ["canary"], hardware: "another-board" }));
    server.preflight = {
      matched: 2,
      chosen: 1,
      leftOut: [{ reason: "no-image", count: 1, deviceIds: ["dev-4"] }],
      offline: { count: 1, longest: { deviceId: "dev-2", lastSeenAt: "2026-01-01T00:00:00.000Z" } },
      waves: [{ index: 0, total: 1, filter: null, alreadyThere: 0, offline: 1 }],
      problems: [
        { kind: "waits", sentence: "Of wave 1 every device is offline.", todo: "Bring some of them back first." },
      ],
    };
    await signIn("/rollouts/new");
    await page.getByLabel("Devices that a filter means").check();
    await page.getByRole("button", { name: "Check first" }).click();
    await page.getByText("Write a filter, such as tag = canary.").waitFor();
    expect(server.checked).toEqual([]);
    const filter = page.getByRole("textbox", { name: "Filter" });
    await filter.fill("tag = ");
    await page.getByText("The filter ends here, expected a value.").waitFor();
    await filter.fill("tag = canary");
    await page.getByText("1 device now, and 1 that the release does not fit, left out.").waitFor();
    // Of a fleet as small as this one it is asked by itself.
    const found = page.getByRole("status", { name: "What the rollout would meet" });
    await found.getByText("Of wave 1 every device is offline.").waitFor();
    await found.getByText("1 of hardware without an image").waitFor();
    await found.getByText("Wave 1: 1 device, 1 offline").waitFor();
    expect(server.checked.at(-1)).toMatchObject({ target: { filter: "tag = canary" } });
    // What was said is about what was asked; of what is typed now it is asked anew.
    let letGo!: () => void;
    const held = new Promise<void>((resolve) => {
      letGo = resolve;
    });
    await page.route("**/rollouts/preflight", async (route) => {
      await held;
      await route.continue();
    });
    await page.getByLabel("Name").fill("Canaries");
    await found.waitFor({ state: "hidden" });
    letGo();
    await found.waitFor();
    expect(server.checked.at(-1)).toMatchObject({ name: "Canaries" });
    await page.getByRole("button", { name: "Review rollout" }).click();
    await page.getByRole("button", { name: "Start rollout" }).click();
    await page.getByRole("heading", { name: "Canaries", exact: true }).waitFor();
    await page.getByText("tag = canary").waitFor();
    expect(server.asked.at(-1)).toMatchObject({ target: { filter: "tag = canary" } });
  });
});
