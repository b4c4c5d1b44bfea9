// What the console says in its languages of things that the interface names: in English it is the interface's own text.

import { permissions } from "@flipside/api/permissions";
import { webhookEvents } from "@flipside/api/webhook-events";
import { expect, it } from "vitest";
import { eventWords } from "../src/words/event-words.ts";
import { permissionWords } from "../src/words/permission-words.ts";

it("says of permissions and events what the interface says", () => {
  expect(permissionWords).toEqual(permissions);
  expect(eventWords).toEqual(webhookEvents);
});
