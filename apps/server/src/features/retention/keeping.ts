// How long things are kept; Infinity: for ever.

const dayMs = 24 * 3_600_000;

export interface Keeping {
  deviceLogMs: number;
  telemetryRawMs: number;
  telemetryHoursMs: number;
  /** Since the end of their rollout. */
  decisionsMs: number;
  auditMs: number;
}

export const keepingDefault: Keeping = {
  deviceLogMs: 26 * 7 * dayMs,
  telemetryRawMs: dayMs,
  telemetryHoursMs: 8 * 7 * dayMs,
  decisionsMs: 52 * 7 * dayMs,
  auditMs: 104 * 7 * dayMs,
};
