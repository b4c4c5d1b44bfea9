// For whom a rollout is, while it is being made: counted and listed by the server, however many there are. Nothing here
// waits for a fixed time.

import { expect, it } from "vitest";
import type { DeviceGroupPage } from "@flipside/api/types";
import { device, release } from "./fixtures.ts";
import { describeInBrowser } from "./signed-in.ts";

describeInBrowser("the target of a rollout that is being made", (_open, begin) => {
  it("is picked from a list that grows as it is read, found by words, and leaves out whom the release does not fit", async () => {
    const { page, server, signIn } = await begin();
    for (let i = 0; i < 150; i++) {
      const id = `line-${String(i).padStart(3, "0")}`;
      server.devices.set(id, device(id, i < 3 ? { hardware: "another-board" } : {}));
    }
    const images = server.releases.get("rel-2")!.images.map((image) => ({ ...image, hardware: "another-board" }));
    server.releases.set("rel-3", release("rel-3", "1.2.0", 3, { images, uploadedAt: "2020-01-01T00:00:00.000Z" }));
    await signIn("/rollouts/new");
    await page.getByText("All devices that the release fits (152)").waitFor();
    await page.getByLabel("Picked devices").check();
    const list = page.getByRole("list", { name: "Devices to pick from" });
    const boxes = list.getByRole("checkbox");
    await list.getByText("line-003").waitFor();
    expect(await list.getByText("line-000").count(), "the release has no image for it").toBe(0);
    const [more] = [page.getByRole("button", { name: "Show more devices" })];
    while ((await more.count()) > 0) {
      const shown = await boxes.count();
      await more.click();
      await expect.poll(() => boxes.count()).toBeGreaterThan(shown);
    }
    expect(await boxes.count()).toBe(152);

    await page.getByRole("searchbox", { name: "Search devices to pick" }).fill("line-01");
    await expect.poll(() => boxes.count()).toBe(10);
    await page.getByRole("button", { name: "Pick all found" }).click();
    await page.getByText("10 devices picked.").waitFor();
    await page.getByRole("searchbox", { name: "Search devices to pick" }).fill("dev-1");
    await list.getByLabel("dev-1").check();
    await page.getByText("Picked devices (11 picked)").waitFor();
    await page.getByRole("status", { name: "Preview of the waves" }).getByText("11 of 11 by then").waitFor();

    // Another release fits none of them.
    await page.getByLabel("Release", { exact: true }).selectOption("flipside-demo 1.2.0");
    await page.getByText("11 of the picked devices can’t take this release, and are left out.").waitFor();
    await page.getByRole("searchbox", { name: "Search devices to pick" }).fill("line");
    await expect.poll(() => boxes.count()).toBe(3);
    await list.getByLabel("line-001").check();
    await page.getByRole("button", { name: "Review rollout" }).click();
    await page.getByText("goes to 1 device").waitFor();
    await page.getByRole("button", { name: "Start rollout" }).click();
    await page.getByRole("heading", { name: "flipside-demo 1.2.0", exact: true }).waitFor();
    expect(server.asked.at(-1)).toMatchObject({ releaseId: "rel-3", target: { deviceIds: ["line-001"] } });
  });

  it("is known by the ids alone in a draft that was kept: whoever is not there any more is left out", async () => {
    const { page, server, signIn } = await begin();
    await signIn("/rollouts/new");
    await page.getByLabel("Picked devices").check();
    for (const id of ["dev-1", "dev-2"]) await page.getByLabel(id).check();
    await page.getByText("Picked devices (2 picked)").waitFor();
    server.devices.delete("dev-2");
    await page.reload();
    await page.getByText("1 of the picked devices can’t take this release, and is left out.").waitFor();
    await page.getByText("Picked devices (1 picked)").waitFor();
  });

  it("is counted and not loaded; of a large fleet the server is asked what it would meet when somebody wants that", async () => {
    const { page, server, signIn } = await begin();
    let answers = true;
    const counted = (values: DeviceGroupPage["groups"][number]["values"], count: number) => ({ values, count });
    const many: DeviceGroupPage = {
      groups: [
        counted(["flipside-demo", "virt-rv32", 1, false], 400_000),
        counted(["flipside-demo", "another-board", 1, false], 7),
      ],
      devices: 400_007,
      next: null,
    };
    await page.route("**/api/v1/device-groups*", (route) =>
      answers ? route.fulfill({ json: many }) : route.fulfill({ status: 502, body: "<h1>Bad gateway</h1>" }),
    );
    const lists: string[] = [];
    page.on("request", (request) => {
      const { pathname } = new URL(request.url());
      if (pathname === "/api/v1/devices") lists.push(request.url());
    });
    await signIn("/rollouts/new");
    await page.getByText("All devices that the release fits (400,000)").waitFor();
    await page.getByText("7 devices of this product have hardware that the release has no image for").waitFor();
    const preview = page.getByRole("status", { name: "Preview of the waves" });
    await preview.getByText("Wave 2 99,999 devices").waitFor();
    await page.getByLabel("Size of wave 2").fill("50");
    await preview.getByText("Wave 2 199,999 devices").waitFor();
    await page.getByLabel("Unit of wave 1").selectOption("of those that a filter means");
    await page.getByLabel("Filter of wave 1").fill("tag = canary");
    await preview.getByText("Check first, to see how many devices each wave has.").waitFor();
    expect([lists, server.checked]).toEqual([[], []]);
    await page.getByRole("button", { name: "Check first" }).click();
    await page.getByRole("status", { name: "What the rollout would meet" }).waitFor();
    expect(server.checked).toMatchObject([{ target: { filter: 'product = "flipside-demo"' } }]);

    // What can't be counted is said, and holds nobody up.
    answers = false;
    await page.getByLabel("Devices that a filter means").check();
    await page.getByLabel("Filter", { exact: true }).fill("id = dev-1");
    await page.getByText("The devices could not be counted").waitFor();
    await page.getByLabel("Unit of wave 1").selectOption("devices");
    await page.getByRole("button", { name: "Review rollout" }).click();
    await page.getByText("goes to 1 device, in 2 waves.").waitFor();
    await page.getByText("Nothing is known that would stop or delay it.").waitFor();
    await page.goBack();
    answers = true;
    await page.getByRole("button", { name: "Try again" }).click();
    await page.getByText("400,000 devices now, and 7 that the release does not fit, left out.").waitFor();
    await page.getByText("The devices could not be counted").waitFor({ state: "hidden" });
  });
});
