// One release in the console, in a real browser. Nothing here waits for a fixed time.

import { noCounts } from "@flipside/api/rollout-arithmetic";
import { expect, it } from "vitest";
import { device, release, rollout } from "./fixtures.ts";
import { describeInBrowser } from "./signed-in.ts";

const running = { ...device("x").running!, version: "1.1.0", digest: release("rel-2", "1.1.0", 2).images[0]!.digest };

describeInBrowser("the page of a release", (open, begin) => {
  it("says where it runs and who could take it, with the way to those devices, and follows what devices report", async () => {
    const { page, server } = await open("/releases");
    server.devices.set("dev-1", device("dev-1", { running }));
    server.devices.set("dev-2", device("dev-2", { running: { ...running, state: "candidate" } }));
    await page.getByRole("link", { name: "flipside-demo 1.1.0", exact: true }).click();
    await page.getByRole("heading", { name: "flipside-demo 1.1.0" }).waitFor();
    const runs = page.getByRole("region", { name: "Where it runs" });
    await runs.getByRole("link", { name: "2 devices" }).waitFor();
    expect((await runs.innerText()).replaceAll(/\s+/g, " ")).toMatch(
      /virt-rv32 Confirmed 1 .*virt-rv32 (On trial|Candidate) 1/i,
    );
    const takes = page.getByRole("region", { name: "Who could take it" });
    await takes.getByText("2 of these run 1.1.0 already.").waitFor();

    const third = device("dev-3", { running });
    server.devices.set("dev-3", third);
    server.send({ kind: "device", data: third });
    await runs.getByRole("link", { name: "3 devices" }).click();
    await page.waitForURL(/\/devices\?filter=release/);
    await page.goBack();
    await page.getByRole("heading", { name: "flipside-demo 1.1.0" }).waitFor();
  });

  it("is withdrawn with its rollouts, and says first what that does to how many devices", async () => {
    const { page, server, signIn } = await begin();
    const counts = { ...noCounts(), queued: 3, downloading: 1, testing: 2, confirmed: 4 };
    server.rollouts.set("r1", rollout("r1", { total: 10, counts }));
    server.rollouts.set("r2", rollout("r2", { releaseId: "rel-1", total: 1 }));
    await signIn("/releases/rel-2");
    await page.getByRole("button", { name: "Withdraw…" }).click();
    const dialog = page.getByRole("dialog");
    const said = (await dialog.innerText()).replaceAll(/\s+/g, " ");
    expect(said).toContain("1 rollout is cancelled for good, and the release is archived");
    expect(said).toContain(
      "3 devices that wait get nothing, 1 device that fetches it is stopped, 2 devices that have installed it finish by themselves, 4 devices that were updated stay on it.",
    );
    await dialog.getByRole("button", { name: "Withdraw release" }).click();
    await page.getByRole("button", { name: "Unarchive flipside-demo 1.1.0" }).waitFor();
    expect(server.rollouts.get("r1")!.state).toBe("cancelled");
    expect(server.rollouts.get("r2")!.state).toBe("running");
    expect(server.releases.get("rel-2")!.archivedAt).not.toBeNull();
  });

  it("tells failures by what happened, and what differs from the release before or from one that is chosen", async () => {
    const { page, server, signIn } = await begin();
    server.releases.set("rel-1", release("rel-1", "1.0.0", 1));
    server.releases.set("rel-9", release("rel-9", "9.0.0", 9));
    server.failures.set("rel-2", [
      {
        ...{ state: "rolled-back", code: 70, codeName: "crashed", hardware: "virt-rv32", count: 12 },
        ...{ previousDigest: "ab".repeat(32), previousVersion: "1.0.0", examples: ["dev-1", "dev-2", "dev-3"] },
        ...{ firstAt: new Date().toISOString(), lastAt: new Date().toISOString() },
      },
    ]);
    server.difference = {
      images: [
        {
          hardware: "virt-rv32",
          digests: { from: "ab".repeat(32), to: "cd".repeat(32) },
          members: [
            { name: "version", from: "1.0.0", to: "1.1.0" },
            { name: "confirmDeadlineMs", from: 30_000, to: 60_000 },
          ],
          chunks: { same: 30, other: 2, otherBytes: 8192 },
        },
      ],
    };
    await signIn("/releases/rel-2");
    const failures = page.getByRole("region", { name: "Failures" });
    await failures.getByText("12 devices failed, in 1 way.").waitFor();
    const said = (await failures.innerText()).replaceAll(/\s+/g, " ");
    expect(said).toMatch(
      /The new image crashed.*What to do: Read the crash log.*crashed.*virt-rv32 1\.0\.0 dev-1 dev-2 dev-3 and 9 more/,
    );
    const difference = page.getByRole("region", { name: "Difference to another release" });
    expect(await difference.getByLabel("Compared with").inputValue(), "the one before").toBe("rel-1");
    await difference.getByText("2 chunks of its payload (8 KiB) are new, 30 are as before.").waitFor();
    await difference.getByRole("row").filter({ hasText: "Time to prove itself" }).getByText("1 min").waitFor();
    await difference.getByLabel("Compared with").selectOption("rel-9");
    await page.waitForURL(/compared=rel-9/);
    await page.reload();
    expect(await difference.getByLabel("Compared with").inputValue()).toBe("rel-9");
  });

  it("says that there is none at the address", async () => {
    const { page } = await open("/releases/none");
    await page.getByRole("heading", { name: "There is no such release" }).waitFor();
  });
});
