// A link of a speed at which a download can be watched. What has come waits; nothing is lost.

import { Exo } from "@flipside/machine/abi";
import type { HostClock } from "@flipside/machine/clock";
import type { RunStreams } from "@flipside/machine/machine";

/** What comes at once. */
const LINK_BYTES = 2_048;

/** `bytesPerS`: asked at each read. `onEvent`: there may be something to read again. */
export function pacedStreams(
  streams: RunStreams,
  clock: HostClock,
  bytesPerS: () => number,
  onEvent: () => void,
): RunStreams {
  let nothingUntilUs = 0;
  return {
    open: (host, port) => streams.open(host, port),
    state: (handle) => streams.state(handle),
    write: (handle, source) => streams.write(handle, source),
    close: (handle) => streams.close(handle),
    destroy: () => streams.destroy(),
    read(handle, target) {
      if (target.length > 0 && clock.nowUs() < nothingUntilUs) return Exo.Again;
      const taken = streams.read(handle, target.subarray(0, LINK_BYTES));
      if (taken <= 0) return taken;
      const us = Math.floor((1_000_000 * taken) / bytesPerS());
      nothingUntilUs = clock.nowUs() + us;
      clock.after(us, onEvent);
      return taken;
    },
  };
}
