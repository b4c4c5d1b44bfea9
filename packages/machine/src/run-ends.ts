// How a run of a device's code ends from within: thrown by an import, so that it unwinds the module that called.

export class RunEnds extends Error {
  override name = "RunEnds";
  /** `reset`: exo_reset was called, with this reason. `image`: the boot loader hands over to what lies at `entry`. */
  constructor(readonly end: { kind: "reset"; reason: number } | { kind: "image"; entry: number }) {
    super(end.kind);
  }
}
