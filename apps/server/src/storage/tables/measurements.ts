// What was measured over time: metrics of devices, and what the fleet was; and how long things are kept.

import type { Generated } from "kysely";

/** A device's metric by its name. */
export interface MetricSeriesTable {
  id: Generated<number>;
  deviceId: string;
  name: string;
}

/** What was reported. `at`: of the wall clock, when it arrived. */
export interface MetricPointTable {
  seriesId: number;
  at: number;
  value: number;
}

/** All that was reported in an hour, also when its points are gone. */
export interface MetricHourTable {
  seriesId: number;
  /** When the hour began. */
  hour: number;
  count: number;
  sum: number;
  min: number;
  max: number;
  last: number;
  lastAt: number;
}

/** A piece of the time in which a server ran (domain/retention-horizon.ts). */
export interface RetentionSpanTable {
  runMs: number;
  earliestAt: number;
  wallAt: number;
  steadyAt: number;
}

/** What the fleet was (features/fleet-history). */
export interface FleetSampleTable {
  /** A quarter of an hour of wall time: its beginning. */
  at: number;
  /** JSON, `DeviceSummary` as it was then. */
  summary: string;
}

/** Of a sweep that is under way, each thing of which old rows go. */
export interface RetentionSweepTable {
  what:
    | "device-log"
    | "telemetry-raw"
    | "telemetry-hours"
    | "decisions"
    | "audit"
    | "proposals"
    | "webhook-deliveries"
    | "fleet-samples"
    | "rehearsals"
    | "idempotent-requests";
  /** What carries a time before this one goes. */
  before: number;
  /** How far it has come, as the thing itself counts; null: it is done. */
  after: number | null;
  removed: number;
}
