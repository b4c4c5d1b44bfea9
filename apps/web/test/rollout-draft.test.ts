// What a rollout's form makes of what is typed.

import {
  deadlineMsDefault,
  failureThresholdPercentDefault,
  lateOffersMsDefault,
  lateOffersMsMax,
  minimumSampleDefault,
  offersPerHourMax,
  rolloutOrderDefault,
  soakMsDefault,
  soakMsMax,
} from "@flipside/api/limits";
import { routes } from "@flipside/api/routes";
import type { NewRollout } from "@flipside/api/types";
import { describe, expect, it } from "vitest";
import { countedTarget } from "../src/counted-target.ts";
import {
  draftOf as draftFrom,
  type Fit,
  newDraft,
  planOf,
  type RolloutDraft,
  type RolloutErrors,
  requestOf,
} from "../src/rollout-draft.ts";
import { typedWindow } from "../src/typed-maintenance.ts";
import { typedRetry } from "../src/typed-retries.ts";
import { defaultRules, rulesOf, typedRulesOf } from "../src/typed-rules.ts";
import { waveRow } from "../src/typed-waves.ts";
import { device, preflight, release } from "./fixtures.ts";

const dayMs = 86_400_000;
/** As the server has counted them. */
const fit: Fit = {
  release: release("rel-2", "1.1.0", 2),
  all: { meant: 2, fitting: 2 },
  filtered: { meant: 1, fitting: 1 },
  picked: [device("dev-1")],
  preflight: undefined,
};
const draftOf = (changes: Partial<RolloutDraft>): RolloutDraft => ({ ...newDraft("rel-2"), ...changes });

const errorsOf = (changes: Partial<RolloutDraft>, of = fit): Partial<RolloutErrors> => {
  const { errors } = planOf(draftOf(changes), of);
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
    });
    expect(routes.createRollout.body.schema.parse(asked({}))).toMatchObject({
      deadlineMs: deadlineMsDefault,
      failureThresholdPercent: failureThresholdPercentDefault,
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
    [{ action: "roll-back-all" }, { thresholdAction: "roll-back-all" }],
    [{ approval: true }, { approval: true }],
    [
      { rate: { pace: "constant", perHour: "0.5", growthFactor: "", growthConfirmed: "", perHourMax: "" } },
      { rate: { perHour: 0.5, growthFactor: 1, growthConfirmed: 1, perHourMax: offersPerHourMax } },
    ],
    [
      { rate: { pace: "growing", perHour: "10", growthFactor: "1.5", growthConfirmed: "20", perHourMax: "900" } },
      { rate: { perHour: 10, growthFactor: 1.5, growthConfirmed: 20, perHourMax: 900 } },
    ],
    [{ startAt: "2030-01-02T03:04" }, { startAt: new Date("2030-01-02T03:04").toISOString() }],
    [
      { maintenance: { windows: [typedWindow(["sun", "mon"])], timeZone: " UTC ", ofDevice: false } },
      {
        maintenance: {
          timeZone: "UTC",
          ofDevice: false,
          windows: [{ days: ["mon", "sun"], from: "01:00", to: "05:00" }],
        },
      },
    ],
    [
      { retries: [{ ...typedRetry(), codes: "crashed, no-contact", tries: "1" }] },
      { retries: [{ after: "failed", codes: ["crashed", "no-contact"], retriesMax: 1, delayMs: 60_000 }] },
    ],
    [{ order: "random" }, { order: "random" }],
    [{ order: "as-listed" }, { order: "as-listed" }],
    [{ target: "filter", filter: " id = dev-1 " }, { target: { filter: "id = dev-1" } }],
    [{ watchesCrashes: true }, { health: { metrics: [{ kind: "crashes" }] } }],
    [{ urgent: true }, { urgent: true }],
    [{ allowOlder: true }, { allowOlder: true }],
    [{ acceptsClaimed: true }, { acceptsClaimed: true }],
  ])("asks of %j for %j beside the rest", (changes, more) => {
    expect(asked(changes)).toEqual({ ...asked({}), ...more });
  });

  it("gives a wave the rules in which it differs, whatever was only looked at", () => {
    const rules = typedRulesOf(defaultRules);
    const hours = (amount: string) => ({ amount, unit: "hours" as const });
    const waves = [
      // The rollout's start is that of its first wave.
      waveRow("1", "devices", { ...rules, soak: hours("4"), startAt: "2030-01-01T00:00" }),
      waveRow("25", "percent", { ...rules, startAt: "2030-01-01T00:00" }),
    ];
    const startAt = new Date("2030-01-01T00:00").toISOString();
    expect(asked({ waves }).waves).toEqual([
      { count: 1, soakMs: 4 * 3_600_000 },
      { percent: 25, startAt },
    ]);
    // What is typed for a wave holds there, though the rollout's is changed.
    expect(asked({ waves, restOwn: { ...rules, threshold: "5" }, soak: hours("4") }).waves).toEqual([
      { count: 1 },
      { percent: 25, soakMs: 0, startAt },
      { percent: 100, soakMs: 0, failureThresholdPercent: 5 },
    ]);
    const all = [...waves, waveRow("100", "percent")];
    expect(asked({ waves: all, restOwn: { ...rules, threshold: "5" } }).waves).toHaveLength(3);
    const wrong = { ...rules, threshold: "200" };
    expect(planOf(draftOf({ waves, restOwn: wrong }), fit)).toMatchObject({
      waveErrors: [{}, {}, { threshold: "Give a percentage from 0 to 100." }],
      isWrong: true,
    });
    expect(planOf(draftOf({ waves: all, restOwn: wrong }), fit).isWrong).toBe(false);
  });

  it("types rules as they are, and asks for no change where none was made", () => {
    const rules = {
      ...defaultRules,
      deadlineMs: 90 * 60_000,
      soakMs: 5_000,
      rate: { perHour: 7.5, growthFactor: 2, growthConfirmed: 3, perHourMax: 40 },
      underWayMax: 4,
      startAt: "2030-05-06T07:08:00.000Z",
    };
    expect(rulesOf(typedRulesOf(rules))).toEqual(rules);
    expect(typedRulesOf(rules)).toMatchObject({ deadline: { amount: "90", unit: "minutes" }, underWayMax: "4" });
  });

  it("says which window, and which case of a retry, can't be so", () => {
    const [good, dayless, timeless] = [typedWindow(), typedWindow([]), typedWindow(["mon"], "", "05:00")];
    const windows = [good, dayless, timeless];
    const { maintenanceErrors, isWrong } = planOf(
      draftOf({ maintenance: { windows, timeZone: "Mars/Olympus", ofDevice: true } }),
      fit,
    );
    expect(isWrong).toBe(true);
    expect(maintenanceErrors.timeZone).toContain("no such time zone");
    expect([...maintenanceErrors.windows.keys()]).toEqual([dayless.key, timeless.key]);
    const wrong = {
      ...typedRetry(),
      codes: "crashed, on-fire",
      tries: "0",
      delay: { amount: "8", unit: "days" as const },
    };
    const plan = planOf(draftOf({ retries: [typedRetry(), wrong] }), fit);
    expect(plan.isWrong).toBe(true);
    expect(plan.retryErrors.get(wrong.key)).toEqual({
      codes: expect.stringContaining("on-fire"),
      tries: "Give a whole number from 1 to 100.",
      delay: "Give a time from 0 to 7 days.",
    });
  });

  it("is for those that a filter means, as far as the release fits them", () => {
    const planned = (filter: string, filtered?: Fit["filtered"]) =>
      planOf(draftOf({ target: "filter", filter }), { ...fit, filtered });
    expect(planned("not tag = a", { meant: 2, fitting: 1 })).toMatchObject({
      chosen: 1,
      errors: { target: undefined },
    });
    // While they are counted nothing is wrong yet, and nothing known.
    expect(planned("not tag = a")).toMatchObject({ chosen: undefined, isWrong: false });
    expect(planned("not tag = a").dealt).toMatchObject({ sizes: undefined, needsServer: false });
    expect(planned(" ").errors.target).toContain("Write a filter");
    expect(planned("tag =").errors.target).toContain("can’t be read");
    expect(planned("tag =").filterFault).toMatchObject({ offset: 5 });
    expect(planned("tag = b", { meant: 1, fitting: 0 }).errors.target).toContain("means no device");
  });

  it("counts of those that are meant the ones that are of its product and hardware, and not revoked", () => {
    const counted = (product: string | null, hardware: string | null, revision: number | null, revoked = false) => ({
      values: [product, hardware, revision, revoked],
      count: 10,
    });
    const groups = [
      counted("flipside-demo", "virt-rv32", 1),
      counted("flipside-demo", "virt-rv32", 0),
      counted("flipside-demo", "another-board", 1),
      counted("another", "virt-rv32", 1),
      counted("flipside-demo", "virt-rv32", 1, true),
      counted(null, null, null),
    ];
    expect(countedTarget(fit.release, groups)).toEqual({ meant: 60, fitting: 10 });
  });

  it("has as many devices in each wave as are counted; where a filter chooses, as the server deals them", () => {
    const all = { meant: 1_000_000, fitting: 1_000_000 };
    const planned = (changes: Partial<RolloutDraft>, preflight?: Fit["preflight"]) =>
      planOf(draftOf(changes), { ...fit, all, preflight }).dealt;
    expect(planned({}).sizes).toEqual([1, 249_999, 750_000]);
    const canaries = { waves: [{ ...waveRow("", "filter"), filter: "tag = canary" }, waveRow("25", "percent")] };
    expect(planned(canaries)).toMatchObject({ sizes: undefined, needsServer: true, problems: [undefined, undefined] });
    const wave = (index: number, total: number) => ({ index, total, filter: null, alreadyThere: 0, offline: 0 });
    const waves = [wave(0, 7), wave(1, 249_993), wave(2, 750_000)];
    expect(planned(canaries, preflight({ waves })).sizes).toEqual([7, 249_993, 750_000]);
    const nobody = planned(canaries, preflight({ waves: [wave(0, 0), ...waves.slice(1)] }));
    expect(nobody.problems).toEqual([expect.stringContaining("means no device"), undefined]);
  });

  it("names of the picked devices those that it fits, and says how many are left out", () => {
    const picked = new Set(["dev-1", "dev-2", "gone"]);
    const draft = draftOf({ target: "picked", picked });
    const some = [device("dev-1"), device("dev-2", { hardware: "another-board" })];
    const plan = planOf(draft, { ...fit, picked: some });
    expect(plan).toMatchObject({ pickedFitting: ["dev-1"], pickedUnfit: 2, chosen: 1 });
    expect(requestOf(draft, plan).target).toEqual({ deviceIds: ["dev-1"] });
    const unknown = planOf(draft, { ...fit, picked: undefined });
    expect(unknown).toMatchObject({ chosen: undefined, pickedUnfit: 0, isWrong: false });
    expect(requestOf(draft, unknown).target).toEqual({ deviceIds: ["dev-1", "dev-2", "gone"] });
  });

  it("asks for all of the product where some have no image, and stays open for who comes to match", () => {
    const some = { ...fit, all: { meant: 2, fitting: 1 } };
    const request = (changes: Partial<RolloutDraft>) => {
      const draft = draftOf(changes);
      return requestOf(draft, planOf(draft, some));
    };
    expect(request({}).target).toEqual({ filter: 'product = "flipside-demo"' });
    expect(request({ continuous: true })).toMatchObject({
      target: { filter: 'product = "flipside-demo"' },
      continuous: true,
    });
    expect(asked({ continuous: true })).toMatchObject({ target: { all: true }, continuous: true });
    expect(request({ continuous: true, target: "picked", picked: new Set(["dev-1"]) })).not.toHaveProperty(
      "continuous",
    );
    const open = (changes: Partial<RolloutDraft>): Partial<RolloutErrors> =>
      errorsOf({ continuous: true, ...changes }, { ...fit, filtered: { meant: 0, fitting: 0 } });
    expect(open({ target: "filter", filter: "tag = nobody-yet" })).toEqual({});
    expect(open({ target: "filter", filter: "tag =" }).target).toContain("can’t be read");
    expect(open({ target: "picked" }).target).toContain("Pick at least one");
  });

  it("is the same request again when it is filled in with one", () => {
    const requests: NewRollout[] = [
      asked({}),
      asked({ continuous: true, order: "random", urgent: true, threshold: "7", underWayMax: "3" }),
      {
        ...asked({ target: "picked", picked: new Set(["dev-1"]) }),
        waves: [
          { filter: "id = dev-1" },
          { count: 1, filter: "id = dev-1", approval: true },
          { percent: 40, soakMs: 60_000 },
        ],
        soakMs: 3_600_000,
        health: { metrics: [{ kind: "reconnects" }], action: "roll-back-all" },
        retries: [{ after: "timed-out", retriesMax: 1 }],
        lateOffersMs: 43_200_000,
      },
    ];
    for (const request of requests) {
      const complete = routes.createRollout.body.schema.parse(request);
      const draft = draftFrom(complete);
      expect(routes.createRollout.body.schema.parse(requestOf(draft, planOf(draft, fit)))).toEqual(complete);
    }
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
