// What a rollout's form makes of what is typed.

import {
  deadlineMsDefault,
  failureThresholdPercentDefault,
  lateOffersMsDefault,
  lateOffersMsMax,
  minimumSampleDefault,
  rolloutOrderDefault,
  soakMsDefault,
  soakMsMax,
} from "@flipside/api/limits";
import { routes } from "@flipside/api/routes";
import type { NewRollout } from "@flipside/api/types";
import { describe, expect, it } from "vitest";
import { fitOf, newDraft, planOf, type RolloutDraft, type RolloutErrors, requestOf } from "../src/rollout-draft.ts";
import { device, release } from "./fixtures.ts";

const dayMs = 86_400_000;
const fit = fitOf(release("rel-2", "1.1.0", 2), [device("dev-1"), device("dev-2")]);
const draftOf = (changes: Partial<RolloutDraft>): RolloutDraft => ({ ...newDraft("rel-2"), ...changes });

const errorsOf = (changes: Partial<RolloutDraft>): Partial<RolloutErrors> => {
  const { errors } = planOf(draftOf(changes), fit);
  return Object.fromEntries(Object.entries(errors).filter(([, error]) => error !== undefined));
};

/** What is sent, after the server's own form has taken it. */
function asked(changes: Partial<RolloutDraft>): NewRollout {
  const draft = draftOf(changes);
  const request = requestOf(draft, planOf(draft, fit));
  routes.createRollout.body.schema.parse(request);
  return request;
}

describe("a rollout as it is being made", () => {
  it("leaves to the server what the operator left as it was", () => {
    expect(asked({})).toEqual({
      name: "flipside-demo 1.1.0",
      releaseId: "rel-2",
      target: { all: true },
      waves: [{ count: 1 }, { percent: 25 }],
      deadlineMs: deadlineMsDefault,
      failureThresholdPercent: failureThresholdPercentDefault,
    });
    expect(routes.createRollout.body.schema.parse(asked({}))).toMatchObject({
      minimumSample: minimumSampleDefault,
      soakMs: soakMsDefault,
      lateOffersMs: lateOffersMsDefault,
      order: rolloutOrderDefault,
      underWayMax: null,
      urgent: false,
    });
  });

  it.each<[Partial<RolloutDraft>, Partial<NewRollout>]>([
    [{ soak: { amount: "90", unit: "minutes" } }, { soakMs: 90 * 60_000 }],
    [{ soak: { amount: "1.5", unit: "hours" } }, { soakMs: 90 * 60_000 }],
    [{ minimumSample: "1" }, { minimumSample: 1 }],
    [{ lateOffers: { amount: "7", unit: "days" } }, { lateOffersMs: 7 * dayMs }],
    [{ lateOffers: { amount: "0", unit: "days" } }, { lateOffersMs: 0 }],
    [{ underWayMax: "20" }, { underWayMax: 20 }],
    [{ underWayMax: " " }, {}],
    [{ order: "random" }, { order: "random" }],
    [{ order: "as-listed" }, { order: "as-listed" }],
    [{ target: "filter", filter: " id = dev-1 " }, { target: { filter: "id = dev-1" } }],
    [{ watchesCrashes: true }, { health: { metrics: [{ kind: "crashes" }] } }],
    [{ urgent: true }, { urgent: true }],
    [{ allowOlder: true }, { allowOlder: true }],
  ])("asks of %j for %j beside the rest", (changes, more) => {
    expect(asked(changes)).toEqual({ ...asked({}), ...more });
  });

  it("is for those that a filter means, as far as the release fits them", () => {
    const devices = [device("dev-1"), device("dev-2", { hardware: "another-board" }), device("dev-3", { tags: ["a"] })];
    const planned = (filter: string) =>
      planOf(draftOf({ target: "filter", filter }), fitOf(release("rel-2", "1.1.0", 2), devices));
    const { meant, chosen, errors } = planned("not tag = a");
    expect([meant, chosen.map(({ id }) => id), errors.target]).toEqual([2, ["dev-1"], undefined]);
    expect(planned(" ").errors.target).toContain("Write a filter");
    expect(planned("tag =").errors.target).toContain("can’t be read");
    expect(planned("tag =").filterFault).toMatchObject({ offset: 5 });
    expect(planned("tag = b").errors.target).toContain("means no device");
  });

  it("takes what is at its limit, and says of anything else what is wrong with it", () => {
    const time = (amount: string) => ({ amount, unit: "days" as const });
    const atLimits = { soak: time(String(soakMsMax / dayMs)), lateOffers: time(String(lateOffersMsMax / dayMs)) };
    expect(errorsOf(atLimits)).toEqual({});
    expect(asked(atLimits)).toMatchObject({ soakMs: soakMsMax, lateOffersMs: lateOffersMsMax });
    for (const amount of ["", " ", "-1", "30.001", "x"])
      expect(errorsOf({ soak: time(amount) }), amount).toEqual({ soak: "Give a time from 0 to 30 days." });
    for (const amount of ["", "-1", "366.001"])
      expect(errorsOf({ lateOffers: time(amount) }), amount).toEqual({
        lateOffers: "Give a number of days from 0 to 366.",
      });
    for (const minimumSample of ["", "0", "2.5", "1000001"])
      expect(errorsOf({ minimumSample }), minimumSample).toEqual({
        minimumSample: "Give a whole number of devices, 1 or more.",
      });
    for (const underWayMax of ["0", "2.5", "1000001", "ten"])
      expect(errorsOf({ underWayMax }), underWayMax).toEqual({
        underWayMax: "Give a whole number of devices, 1 or more.",
      });
    for (const amount of ["", "0"]) expect(Object.keys(errorsOf({ deadline: time(amount) }))).toEqual(["deadline"]);
    for (const threshold of ["", "101"]) expect(Object.keys(errorsOf({ threshold }))).toEqual(["threshold"]);
  });
});
