// What QEMU says of its own end: the events of its monitor (QMP), written to a file. QEMU's exit status is 0 for a
// watchdog that expired and for a signal alike.
//
// A "pipe" of QEMU's is two files, NAME.in and NAME.out. The first holds all that is ever said to it: that events are
// wanted (QMP specification, "Capabilities Negotiation"). So nobody has to be there to talk to, and nothing is lost.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Who ended a QEMU that ended with status 0. */
export type QemuEnd = "watchdog" | "guest" | "host";

export class MonitorRecord {
  readonly #path: string;

  constructor(folder: string) {
    this.#path = join(folder, "monitor");
  }

  /** Before each start of QEMU: the arguments. */
  begin(): string[] {
    writeFileSync(`${this.#path}.in`, '{"execute":"qmp_capabilities"}\n');
    writeFileSync(`${this.#path}.out`, "");
    return ["-chardev", `pipe,id=monitor,path=${this.#path}`, "-mon", "chardev=monitor,mode=control"];
  }

  /** QEMU has ended. */
  end(): QemuEnd {
    const events = readFileSync(`${this.#path}.out`, "latin1");
    if (events.includes('"event": "WATCHDOG"')) return "watchdog";
    // ShutdownCause of QEMU's qapi/run-state.json: guest-reset, guest-shutdown, guest-panic; host-signal,
    // host-qmp-quit, …
    return /"reason": "guest-/.test(events) ? "guest" : "host";
  }
}
