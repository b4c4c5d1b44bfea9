// The two times of an event (clock.ts): durations are of steady time, what people set by the calendar is of the wall
// clock.

export interface Now {
  steadyMs: number;
  wallMs: number;
}
