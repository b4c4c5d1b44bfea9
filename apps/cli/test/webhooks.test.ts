// Webhooks by commands at a real server, which sends nothing into its own network; and by e-mail to a real mail server.

import { afterAll, beforeAll, expect, it } from "vitest";
import { fieldOf, MailServer } from "../../server/test/webhooks/mail-server.ts";
import { type AtServer, atServer } from "./at-a-server.ts";

let at: AtServer;
beforeAll(async () => {
  at = await atServer();
});
afterAll(() => at.stop());

it("are made, listed, tested, looked at and deleted", async () => {
  const { flipside } = at;
  expect((await flipside("webhook", "list")).said).toBe("nobody is told\n");
  expect(await flipside("webhook", "create", "https://127.0.0.1/")).toMatchObject({
    code: 3,
    complained: expect.stringMatching(/^webhook-address-refused: 127\.0\.0\.1 is no public address/),
  });
  expect((await flipside("webhook", "create", "https://localhost/", "--event", "rollout.passed")).code).toBe(2);
  // This server has no mail server.
  expect(await flipside("webhook", "create", "--email", "ops@example.org")).toMatchObject({
    code: 3,
    complained: expect.stringMatching(/^email-off: .*--smtp-url/),
  });
  for (const wrong of [
    [],
    ["https://localhost/", "--email", "ops@example.org"],
    ["--email", "a@b", "--channel", "slack"],
  ])
    expect((await flipside("webhook", "create", ...wrong)).code, wrong.join(" ")).toBe(2);
  const line = ["webhook", "create", "https://localhost/hook?token=1", "--event", "rollout.paused"];
  const made = await flipside(...line, "--event", "deployment.failed", "--channel", "slack");
  const [id = "", secret] = made.said.split("\n");
  expect([made.code, secret, made.complained]).toEqual([
    0,
    expect.stringMatching(/^whsec_/),
    "the secret is told this once\n",
  ]);
  const listed = await flipside("webhook", "list");
  expect(listed.said).toMatch(new RegExp(`^${id} +slack +localhost +rollout.paused, deployment.failed +on$`, "m"));
  expect(listed.said).not.toContain("token");
  const tested = await flipside("webhook", "test", id);
  expect(tested).toMatchObject({
    code: 1,
    said: expect.stringMatching(/webhook\.test {2}waiting, 1 try: .* no public/),
  });
  expect((await flipside("webhook", "deliveries", id)).said).toBe(tested.said);
  expect((await flipside("webhook", "delete", id)).said).toBe("deleted\n");
  expect((await flipside("webhook", "deliveries", id)).code).toBe(3);
});

it("send to a mailbox, by the server's mail server", async () => {
  const relay = await MailServer.start(at.folder, { disabledCommands: ["AUTH", "STARTTLS"], authOptional: true });
  const { flipside, stop } = await atServer(undefined, {
    smtp: {
      ...{ host: "127.0.0.1", port: relay.port, isTlsAtOnce: false, tls: "none", userName: undefined },
      ...{ password: undefined, ca: undefined, from: { name: "", address: "flipside@example.org" } },
    },
  });
  const refused = await flipside("webhook", "create", "--email", "ops@example.org, all@example.org");
  expect(refused).toMatchObject({ code: 3, complained: expect.stringMatching(/mailto: takes one plain address/) });
  const made = await flipside("webhook", "create", "--email", "ops@example.org", "--event", "rollout.paused");
  const [id = ""] = made.said.split("\n");
  expect((await flipside("webhook", "list")).said).toMatch(
    new RegExp(`^${id} +email +ops@example\\.org +rollout\\.paused +on$`, "m"),
  );
  expect(await flipside("webhook", "test", id)).toMatchObject({ code: 0, said: expect.stringContaining("delivered") });
  expect(relay.received.map((mail) => fieldOf(mail, "To"))).toEqual(["ops@example.org"]);
  await stop();
  await relay.stop();
});
