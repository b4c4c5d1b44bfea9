// Asks for the pieces of one part, chunk table or payload, in order: a window of them at a time, and again what didn't come.

import { Leaf, Mailbox } from "../agent/mailbox";
import { FETCH_WINDOW_MAX } from "../format";
import { Session } from "../session/session";
import { Deployment } from "./deployment";

/** What didn't come by then is asked for again. */
const FETCH_TIMEOUT_US: i64 = 2_000_000;
const RETRY_US: i64 = 50_000;

export class ChunkFetch {
  /** The piece that is wanted next. */
  next: u32 = 0;
  /** The first that was not asked for. */
  private asked: u32 = 0;
  private askedUs: i64 = 0;
  private part: u32 = 0;
  private count: u32 = 0;

  constructor(private mailbox: Mailbox, private session: Session, private deployment: Deployment) {}

  /** From piece `first` of `count` on; `part` is CHUNK_PART_…. */
  begin(part: u32, first: u32, count: u32): void {
    this.part = part;
    this.count = count;
    this.next = first;
    this.asked = first;
  }

  isDone(): bool {
    return this.next == this.count;
  }

  /** What was asked for will not come, or is not wanted: asks for `next` once more. */
  askAgain(): void {
    this.asked = this.next;
  }

  /** Whether a message brings the piece that is wanted. */
  isNext(part: u32, index: u32, nowUs: i64): bool {
    if (part != this.part || index != this.next) return false;
    this.askedUs = nowUs;
    return true;
  }

  /** It was taken. */
  advance(): void {
    this.next++;
    if (this.asked < this.next) this.asked = this.next;
  }

  /** Keeps a window of requests open: a new one when half of the last has come, the same again when nothing came. When to be called again. */
  run(nowUs: i64): i64 {
    if (!this.session.proven) return nowUs + FETCH_TIMEOUT_US;
    if (this.asked > this.next && nowUs - this.askedUs >= FETCH_TIMEOUT_US) this.asked = this.next;
    const count = min(FETCH_WINDOW_MAX, this.count - this.asked);
    if (count > 0 && this.asked - this.next <= FETCH_WINDOW_MAX / 2) {
      if (!this.ask(count)) return nowUs + RETRY_US;
      this.asked += count;
      this.askedUs = nowUs;
    }
    return this.askedUs + FETCH_TIMEOUT_US;
  }

  private ask(count: u32): bool {
    if (!this.mailbox.begin(Leaf.Fetch, 256, 0)) return false;
    const json = this.mailbox.json;
    this.session.writeId();
    json.key("deployment");
    json.string(this.deployment.id, this.deployment.idBytes);
    json.key("attempt");
    json.u32(this.deployment.attempt);
    json.key("part");
    json.u32(this.part);
    json.key("first");
    json.u32(this.asked);
    json.key("count");
    json.u32(count);
    return this.mailbox.send() >= 0;
  }
}
