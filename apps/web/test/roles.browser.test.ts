// What somebody sees who may not do all: the same buttons, with the reason why they do nothing.

import { permissionsOf } from "@flipside/api/permissions";
import { expect, it } from "vitest";
import { noCounts } from "@flipside/api/rollout-arithmetic";
import { deployment, rollout } from "./fixtures.ts";
import { describeInBrowser } from "./signed-in.ts";

describeInBrowser("a role that may not do all", (_open, begin) => {
  it("of a viewer is told why buttons do nothing, by keyboard and on all pages, and nothing is asked", async () => {
    const { page, server, url, row, signIn } = await begin();
    server.user = { ...server.user, role: "viewer", may: [...permissionsOf("viewer")] };
    const counts = { ...noCounts(), confirmed: 1, queued: 1 };
    const deployments = [deployment("d1", "dev-1", { state: "confirmed" }), deployment("d2", "dev-2")];
    server.rollouts.set("r1", rollout("r1", { total: 2, deployments, counts }));
    await signIn("/rollouts/r1");
    const pause = page.getByRole("button", { name: "Pause" });
    const why = page.getByRole("tooltip").filter({ hasText: "make rollouts", visible: true });
    await pause.waitFor();
    expect(await why.count()).toBe(0);
    await pause.focus();
    expect(await why.innerText()).toBe(
      "The role viewer can’t make rollouts, and say what is to become of them. Ask somebody who is operator, release-manager, or administrator.",
    );
    await page.keyboard.press("Enter");
    for (const name of ["Pause", "Copy", "Change rules", "Cancel rollout", "Roll back"])
      expect(await page.getByRole("button", { name }).getAttribute("aria-disabled"), name).toBe("true");
    expect(await row("dev-2").getByRole("button").getAttribute("aria-disabled")).toBe("true");
    for (const [path, name] of [
      ["/devices", "Import claims"],
      ["/releases", "Choose release file"],
      ["/releases", "Add permit for flipside-demo 1.1.0"],
      ["/releases", "Archive flipside-demo 1.1.0"],
      ["/releases", "Roll out flipside-demo 1.1.0"],
      ["/rollouts", "New rollout"],
      ["/rollouts", "Stop all updates…"],
      ["/rollouts/new", "Review rollout"],
      ["/rollouts/new", "Check first"],
      ["/trust", "Upload"],
    ] as const) {
      await page.goto(url + path);
      const button = page.getByRole("button", { name });
      expect(await button.getAttribute("aria-disabled"), `${path}: ${name}`).toBe("true");
      // The browser is not told that it is disabled.
      await button.click({ force: true });
    }
    expect(await page.getByRole("dialog").count()).toBe(0);
    expect([server.asked, server.checked, server.rollouts.get("r1")!.state]).toEqual([[], [], "running"]);
  });

  it("of an operator has what operators do, and not what others do", async () => {
    const { page, server, url, signIn } = await begin();
    server.user = { ...server.user, role: "operator", may: [...permissionsOf("operator")] };
    await signIn("/rollouts");
    await page.getByRole("link", { name: "New rollout" }).waitFor();
    await page.goto(`${url}/releases`);
    const choose = page.getByRole("button", { name: "Choose release file" });
    await choose.hover();
    await page
      .getByRole("tooltip")
      .filter({ hasText: "Ask somebody who is release-manager or administrator.", visible: true })
      .first()
      .waitFor();
    await page.getByRole("link", { name: "Roll out flipside-demo 1.1.0" }).waitFor();
    // What is dropped is a file, too.
    const transfer = await page.evaluateHandle(() => {
      const data = new DataTransfer();
      data.items.add(new File([new Uint8Array(16)], "dropped.fsr"));
      return data;
    });
    await page.locator(".dropzone").dispatchEvent("drop", { dataTransfer: transfer });
    expect(await page.getByText("dropped.fsr").count()).toBe(0);
  });
});
