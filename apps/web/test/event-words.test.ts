// What the console says of events in its languages: in English it is the interface's own text.

import { webhookEvents } from "@flipside/api/webhook-events";
import { expect, it } from "vitest";
import { eventWords } from "../src/words/event-words.ts";

it("says of each event what the interface says", () => {
  expect(eventWords).toEqual(webhookEvents);
});
