// What an operator sets of a rollout: the rules of its waves, when offers may be made, what is tried again.

import { errorCodeOf } from "@flipside/image-format/error-names";
import { z } from "zod";
import {
  filterCharactersMax,
  deadlineMsDefault,
  deadlineMsMax,
  deadlineMsMin,
  failureThresholdPercentDefault,
  minimumSampleDefault,
  offersPerHourMax,
  retriesMax,
  retryDelayMsDefault,
  retryDelayMsMax,
  soakMsDefault,
  soakMsMax,
  waveDevicesMax,
  windowsMax,
} from "../limits.ts";
import { retriedStates } from "../rollout-transitions.ts";
import { named } from "../route.ts";
import { isTimeZone } from "../time-zone.ts";
import { time } from "./forms.ts";

/** `growthFactor` times as many whenever `growthConfirmed` more devices are confirmed, up to `perHourMax`. */
export const offerRate = named(
  "OfferRate",
  z.strictObject({
    perHour: z.number().positive().max(offersPerHourMax).describe("offers in an hour, evenly spaced"),
    growthFactor: z.number().min(1).max(10).default(1).describe("so many times as many …"),
    growthConfirmed: z.int().min(1).max(waveDevicesMax).default(1).describe("… whenever so many more are confirmed"),
    perHourMax: z.number().positive().max(offersPerHourMax).default(offersPerHourMax).describe("and never more"),
  }),
);

export const thresholdAction = z.enum(["pause", "abort", "roll-back-wave", "roll-back-all"]);

const ruleForms = {
  deadlineMs: z
    .int()
    .min(deadlineMsMin)
    .max(deadlineMsMax)
    .describe("from the start of a device's wave to its offer, and again from the offer to its end"),
  failureThresholdPercent: z
    .number()
    .min(0)
    .max(100)
    .describe("more failures than that, and `thresholdAction` is taken"),
  minimumSample: z
    .int()
    .min(1)
    .max(waveDevicesMax)
    .describe("finished deployments that a wave's gate wants to see before it fails; fewer where a wave has fewer"),
  thresholdAction: thresholdAction.describe("what the rollout does by itself when too many of a wave fail"),
  soakMs: z
    .int()
    .min(0)
    .max(soakMsMax)
    .describe("how long a finished wave is watched before the next one starts, or the rollout ends"),
  underWayMax: z
    .int()
    .min(1)
    .max(waveDevicesMax)
    .nullable()
    .describe("devices that may be at work on the rollout at the same time; null: all"),
  rate: offerRate.nullable().describe("how fast offers are made; null: as devices ask"),
  approval: z.boolean().describe("the wave starts only when somebody else than who made the rollout has approved it"),
  startAt: time.nullable().describe("the wave does not start before; null: when it is its turn"),
};

/** What holds for one wave. */
export const waveRules = named("WaveRules", z.strictObject(ruleForms));

/** Of the rollout: what holds for each wave that says nothing else. */
export const defaultRules = {
  deadlineMs: ruleForms.deadlineMs.default(deadlineMsDefault),
  failureThresholdPercent: ruleForms.failureThresholdPercent.default(failureThresholdPercentDefault),
  minimumSample: ruleForms.minimumSample.default(minimumSampleDefault),
  thresholdAction: ruleForms.thresholdAction.default("pause"),
  soakMs: ruleForms.soakMs.default(soakMsDefault),
  underWayMax: ruleForms.underWayMax.default(null),
  rate: ruleForms.rate.default(null),
  approval: ruleForms.approval.default(false),
  startAt: ruleForms.startAt.default(null).describe("the first wave does not start before; null: at once"),
};

/** Of a wave: what differs from the rollout's. */
const ownRules = z.strictObject(ruleForms).partial().shape;

const waveFilter = z
  .string()
  .min(1)
  .max(filterCharactersMax)
  .describe("docs/device-filter.md; devices of the target that it means when the rollout is made");

export const waveSpec = named(
  "WaveSpec",
  z.union([
    z.strictObject({
      percent: z.number().positive().max(100).describe("of the target, with all that the waves before have"),
      ...ownRules,
    }),
    z.strictObject({
      count: z.int().positive().max(waveDevicesMax),
      filter: waveFilter.optional().describe("so many of those that it means; left out: of all"),
      ...ownRules,
    }),
    z.strictObject({ filter: waveFilter, ...ownRules }),
  ]),
);

/** Of a wave that has not begun, while the rollout runs. */
export const laterWave = named(
  "LaterWave",
  z.union([
    z.strictObject({
      percent: z.number().positive().max(100).describe("of the target, with all that the waves before have"),
      ...ownRules,
    }),
    z.strictObject({ count: z.int().positive().max(waveDevicesMax), ...ownRules }),
  ]),
);

const timeOfDay = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, "a time of day, as 01:30");
export const weekdays = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"] as const;

export const maintenanceWindow = named(
  "MaintenanceWindow",
  z.strictObject({
    days: z
      .array(z.enum(weekdays))
      .min(1)
      .max(7)
      .default([...weekdays])
      .describe("on which the window opens; one past midnight is the day's before"),
    from: timeOfDay.describe("local time at which it opens"),
    to: timeOfDay.describe("local time at which it closes; not after `from`: of the next day"),
  }),
);

/** Offers are made only while one of the windows is open. */
export const maintenance = named(
  "Maintenance",
  z.strictObject({
    timeZone: z
      .string()
      .min(1)
      .max(64)
      .refine(isTimeZone, "is no time zone that this server knows; give its IANA name, as Europe/Zurich")
      .describe("IANA name, as Europe/Zurich"),
    ofDevice: z
      .boolean()
      .default(false)
      .describe("in each device's own zone, where it reports one as its attribute `timeZone`; else in `timeZone`"),
    windows: z.array(maintenanceWindow).min(1).max(windowsMax),
  }),
);

export const retryRule = named(
  "RetryRule",
  z.strictObject({
    after: z.enum(retriedStates).describe("how the try ended"),
    codes: z
      .array(z.string().refine((name) => errorCodeOf(name) !== undefined, "is no error code's name, as flash-failed"))
      .min(1)
      .max(32)
      .optional()
      .describe("with one of these; left out: any but rolled-back-by-command"),
    retriesMax: z.int().min(1).max(retriesMax).describe("tries after the first"),
    delayMs: z
      .int()
      .min(0)
      .max(retryDelayMsMax)
      .default(retryDelayMsDefault)
      .describe("before the second try; twice as long before each further one"),
  }),
);
