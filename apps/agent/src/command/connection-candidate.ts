// A new server address is on probation: kept once a session is proven there, else the old one returns. A try is
// recorded before it is used, so that a device that is restarted there again and again comes back too
// (docs/protocol.md, "Connection settings").

import { endLine, say, sayNumber } from "../console";
import { ErrorCode } from "../format";
import { Settings } from "../identity/settings";

/** How long the candidate may be without contact, from the moment in this run that it is first connected to. */
const CONTACT_US: i64 = 60_000_000;
/** Runs in which it may be used: the one that took the command, then each start. */
const TRIES: u32 = 3;

export class ConnectionCandidate {
  private deadlineUs: i64 = 0;

  constructor(readonly settings: Settings) {}

  /** At the start of a run, before the first connection. `busy`: an image is on trial, and only one thing may be. */
  begin(nowUs: i64, busy: bool): void {
    const settings = this.settings;
    if (!settings.hasCandidate()) return;
    if (busy) this.drop(ErrorCode.DeviceBusy);
    else if (settings.candidateTries() == 0) this.drop(ErrorCode.ConnectionTriesExhausted);
    else if (settings.recordTry()) this.use(nowUs);
    // No record, no try: this run connects to the old server.
  }

  /** Stores what a command brought; an ErrorCode. `address` was checked. */
  propose(address: usize, id: usize): i32 {
    return this.settings.propose(address, id, TRIES - 1) ? ErrorCode.None : ErrorCode.FlashFailed;
  }

  /** From now on it is what the device connects to. */
  use(nowUs: i64): void {
    this.settings.usesCandidate = true;
    this.deadlineUs = nowUs + CONTACT_US;
    say("trying another server");
    endLine();
  }

  /** `proven`: there is contact, over the address that is in use. True when the connection is to be made anew. */
  advance(nowUs: i64, proven: bool): bool {
    const settings = this.settings;
    if (!settings.usesCandidate) return false;
    if (!proven && nowUs < this.deadlineUs) return false;
    if (proven && settings.keepCandidate()) {
      say("contact: this server is kept");
      endLine();
      return false;
    }
    // With contact, it could not be stored.
    this.drop(proven ? ErrorCode.FlashFailed : ErrorCode.ConnectionNoContact);
    return true;
  }

  private drop(code: i32): void {
    this.settings.dropCandidate(code);
    say("back to the server before, code ");
    sayNumber(code);
    endLine();
  }
}
