// What the console has said lately, to the server that asked for it: as it was when the command came, in parts that
// each fit a message (docs/protocol.md, "Telemetry and log").

import { CONSOLE_LOG_BYTES, consoleLog } from "../exokernel";
import { COMMAND_ID_BYTES, LOG_PART_CHARACTERS_MAX } from "../format";
import { Leaf, Mailbox } from "../session/mailbox";
import { Session } from "../session/session";
import { jsonBytesOf, makePrintable } from "../text/printable";

/** Of a part, as JSON text; with what stands around it, a message of at most PART_MESSAGE_BYTES_MAX. */
const PART_JSON_BYTES_MAX: u32 = 1200;
const PART_MESSAGE_BYTES_MAX: u32 = 1360;

const kept: usize = memory.data(4096);
const commandId: usize = memory.data(16);

export class LogParts {
  private bytes: u32 = 0;
  /** The part that is sent next, from 1; 0: nothing is asked for. */
  private part: u32 = 0;
  private parts: u32 = 0;
  /** Where it begins. */
  private at: u32 = 0;

  constructor(
    private mailbox: Mailbox,
    private session: Session,
  ) {}

  /** `id`: of the command, which the parts name. Another one takes the first one's place. */
  begin(id: usize): void {
    memory.copy(commandId, id, COMMAND_ID_BYTES);
    this.bytes = max(0, consoleLog(kept, CONSOLE_LOG_BYTES));
    makePrintable(kept, this.bytes);
    this.parts = 0;
    this.at = 0;
    // One that says nothing is a part, too: the server waits for one.
    do {
      this.at = this.endOfPart();
      this.parts++;
    } while (this.at < this.bytes);
    this.at = 0;
    this.part = 1;
  }

  /** The session that asked is over. */
  stop(): void {
    this.part = 0;
  }

  isOpen(): bool {
    return this.part != 0;
  }

  /** As many parts as there is room for now. */
  advance(): void {
    while (this.part != 0 && this.mailbox.begin(Leaf.Log, PART_MESSAGE_BYTES_MAX, 1)) {
      const end = this.endOfPart();
      const json = this.mailbox.json;
      this.session.writeId();
      json.key("command");
      json.hex(commandId, COMMAND_ID_BYTES);
      json.key("part");
      json.u32(this.part);
      json.key("parts");
      json.u32(this.parts);
      json.key("text");
      json.string(kept + this.at, end - this.at);
      if (this.mailbox.send() < 0) return;
      this.at = end;
      this.part = this.part == this.parts ? 0 : this.part + 1;
    }
  }

  private endOfPart(): u32 {
    const limit = min(this.bytes, this.at + <u32>LOG_PART_CHARACTERS_MAX);
    let left: i32 = PART_JSON_BYTES_MAX;
    let end = this.at;
    for (; end < limit; end++) {
      left -= jsonBytesOf(load<u8>(kept + end));
      if (left < 0) break;
    }
    return end;
  }
}
