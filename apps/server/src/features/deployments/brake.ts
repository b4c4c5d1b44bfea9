// What stops all offers, as whoever makes them asks it (emergency-stop).

export interface Stop {
  /** Of the wall clock. */
  at: number;
  by: string;
  reason: string;
}

export interface Brake {
  /** Undefined: offers may be made. */
  readonly stop: Stop | undefined;
}
