// The configuration of a device, on its page.

import { expect, it } from "vitest";
import { describeInBrowser, type Begun } from "./signed-in.ts";

const at = new Date(Date.now() - 120_000).toISOString();

describeInBrowser("the configuration of a device", (open) => {
  const changed = ({ server }: Pick<Begun, "server">): void =>
    server.send({ kind: "device", data: server.devices.get("dev-1")! });

  it("is checked before it is sent, then shown with what becomes of it, the app's refusal in words", async () => {
    const { page, server } = await open("/devices/dev-1");
    const section = page.getByRole("region", { name: "Configuration" });
    await section.getByText("Nobody has set a configuration here.").waitFor();
    await section.getByRole("button", { name: "Set configuration" }).click();
    const dialog = page.getByRole("dialog");
    const editor = dialog.getByLabel("Document");
    expect(await editor.inputValue()).toBe("{}");
    await editor.fill('{"highestMilliC": }');
    await dialog.getByText("This is no JSON").waitFor();
    await dialog.getByRole("button", { name: "Set configuration" }).click();
    await editor.fill("[1]");
    await dialog.getByText("A configuration is a JSON object").waitFor();
    await dialog.getByRole("button", { name: "Set configuration" }).click();
    expect(server.configurations.size, "nothing of it was sent").toBe(0);
    await editor.fill('{"highestMilliC": 60000}');
    await dialog.getByText("23 of 1024 bytes").waitFor();
    await dialog.getByRole("button", { name: "Set configuration" }).click();
    await section.getByText("Sent to the device as soon as it is here.").waitFor();
    await section.getByText("Desired: number 1, set by admin").waitFor();
    const { desired } = server.configurations.get("dev-1")!;
    expect(desired).toMatchObject({ number: 1, document: { highestMilliC: 60_000 } });

    const refused = { number: 1, code: 101, codeName: "configuration-refused", appCode: 3, text: "too hot", at };
    const reported = { number: 7, digest: "ab".repeat(32), at, document: null };
    server.configurations.set("dev-1", { state: "refused", desired, reported, refused });
    changed({ server });
    await section.getByText("app refused the configuration; the one before stays in force").waitFor();
    expect(await section.getByText("The app says:").innerText()).toBe("The app says: too hot, code 3");
    await section.getByText("In force on the device: number 7").waitFor();
    await section.getByText("This server never set it.").waitFor();

    const inForce = { number: 1, digest: desired!.digest, at, document: desired!.document };
    server.configurations.set("dev-1", { state: "in-force", desired, reported: inForce, refused: null });
    changed({ server });
    await section.getByText("In force: number 1, set by admin").waitFor();
    expect(await section.getByText("The app says").count()).toBe(0);
  });

  it("has a history, and says when somebody else has set another while one types", async () => {
    const { page, server } = await open("/devices/dev-1");
    const section = page.getByRole("region", { name: "Configuration" });
    const dialog = page.getByRole("dialog");
    await section.getByRole("button", { name: "Set configuration" }).click();
    await dialog.getByLabel("Document").fill('{"a": 1}');
    await dialog.getByRole("button", { name: "Set configuration" }).click();
    await section.getByRole("button", { name: "Change configuration" }).click();
    expect(await dialog.getByLabel("Document").inputValue()).toBe('{\n  "a": 1\n}');
    const before = server.configurations.get("dev-1")!;
    server.configurations.set("dev-1", { ...before, desired: { ...before.desired!, number: 2, by: "olga" } });
    changed({ server });
    await dialog.getByText("olga has set number 2 since you began. Yours will take its place.").waitFor();
    await dialog.getByLabel("Document").fill('{"a": 3}');
    await dialog.getByRole("button", { name: "Set configuration" }).click();
    await dialog.waitFor({ state: "hidden" });
    await section.getByText("History of its configuration").click();
    const table = section.getByRole("table");
    await table.getByText('{"a":3}').waitFor();
    await table.getByText('{"a":1}').waitFor();
    expect(await table.getByText("Not sent").count()).toBe(2);
  });
});
