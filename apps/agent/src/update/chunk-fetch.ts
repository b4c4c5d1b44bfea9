// Asks for the pieces of one part, chunk table or payload, in order, so many at a time that the link is busy and what
// else comes over it does not wait for long.
//
// How many: what the link delivers in QUEUE_US by its measured rate, from 1 to FETCH_WINDOW_MAX. At 1,000 bytes a
// second one chunk takes four seconds, and a ping or an offer waits behind it; two would be too many.
//
// The stream loses nothing, so a piece that does not come is as a rule still on its way, and to ask for it again only
// doubles what the link has to carry. When none came for as long as measured spacing allows (RFC 6298), the server is
// asked for a sign of life. Its answer comes behind all that it has sent: only when it has come, and the piece has not,
// is the piece asked for again. While the link stands still, nothing is.

import { Leaf, Mailbox } from "../session/mailbox";
import { FETCH_WINDOW_MAX } from "../format";
import { Session } from "../session/session";
import { Deployment } from "./deployment";

/** What may be under way, as time on the link. */
const QUEUE_US: i64 = 4_000_000;
const WINDOW_AT_FIRST: u32 = 2;
/** Below this a piece says how far away the server is, not how fast the link. */
const MEASURED_BYTES_MIN: u32 = 1024;
/** RFC 6298, 2: before anything was measured, and bounds. */
const TIMEOUT_AT_FIRST_US: i64 = 2_000_000;
const TIMEOUT_MIN_US: i64 = 1_000_000;
const TIMEOUT_MAX_US: i64 = 60_000_000;
const RETRY_US: i64 = 50_000;
/** How often it is looked whether the sign of life has come. */
const PONG_POLL_US: i64 = 250_000;
/** Check-ins and the offers that answer them take this share of a slow link at most: one in so many pieces. */
const PIECES_A_CHECK_IN: i64 = 16;
export const CHECK_IN_SPACING_MAX_US: i64 = 30_000_000;
const CHECK_IN_SPACING_AT_FIRST_US: i64 = 10_000_000;

export class ChunkFetch {
  /** The piece that is wanted next. */
  next: u32 = 0;
  /** The first that was not asked for. */
  private asked: u32 = 0;
  private part: u32 = 0;
  private count: u32 = 0;
  /** The last piece that came, or the request after which none was under way. */
  private progressUs: i64 = 0;
  /** A piece was under way when the last one came: the time between the two is the link's. */
  private isPipelined: bool = false;

  /** What one piece takes on the link; 0: not measured. */
  private pieceUs: i64 = 0;
  private window: u32 = WINDOW_AT_FIRST;
  /** RFC 6298: smoothed time between pieces and its variation. */
  private smoothedUs: i64 = 0;
  private variationUs: i64 = 0;
  private timeoutUs: i64 = TIMEOUT_AT_FIRST_US;
  /** Pings that were answered when a sign of life was asked for; -1: none is awaited. */
  private pongsBefore: i64 = -1;

  constructor(
    private mailbox: Mailbox,
    private session: Session,
    private deployment: Deployment,
  ) {}

  /** From piece `first` of `count` on; `part` is CHUNK_PART_…. */
  begin(part: u32, first: u32, count: u32): void {
    this.part = part;
    this.count = count;
    this.next = first;
    this.askAgain();
  }

  isDone(): bool {
    return this.next == this.count;
  }

  /** What was asked for will not come, or is not wanted: asks for `next` once more. */
  askAgain(): void {
    this.asked = this.next;
    this.isPipelined = false;
    this.pongsBefore = -1;
  }

  /** A new connection, over another link perhaps. */
  onNewSession(): void {
    this.askAgain();
    this.pieceUs = 0;
    this.smoothedUs = 0;
    this.timeoutUs = TIMEOUT_AT_FIRST_US;
    this.window = WINDOW_AT_FIRST;
  }

  /** How long the server may be left without a check-in, so that its offers take little of the link. */
  checkInSpacingUs(): i64 {
    return this.pieceUs == 0
      ? CHECK_IN_SPACING_AT_FIRST_US
      : min(CHECK_IN_SPACING_MAX_US, PIECES_A_CHECK_IN * this.pieceUs);
  }

  /** Whether a message brings the piece that is wanted. */
  isNext(part: u32, index: u32, bytes: u32, nowUs: i64): bool {
    if (part != this.part || index != this.next) return false;
    if (this.asked > index) this.measure(nowUs - this.progressUs, bytes);
    this.progressUs = nowUs;
    this.pongsBefore = -1;
    this.isPipelined = this.asked > index + 1;
    return true;
  }

  /** It was taken. */
  advance(): void {
    this.next++;
    if (this.asked < this.next) this.asked = this.next;
  }

  /** Keeps the window full, from half of it on. When to be called again. */
  run(nowUs: i64): i64 {
    if (!this.session.proven) return nowUs + TIMEOUT_AT_FIRST_US;
    let underWay = this.asked - this.next;
    if (underWay > 0 && this.isLost(nowUs)) {
      this.askAgain();
      this.timeoutUs = min(TIMEOUT_MAX_US, this.timeoutUs << 1);
      underWay = 0;
    }
    const count = min(this.window - min(underWay, this.window), this.count - this.asked);
    if (count > 0 && underWay <= this.window / 2) {
      if (!this.ask(count)) return nowUs + RETRY_US;
      this.asked += count;
      if (underWay == 0) this.progressUs = nowUs;
    }
    return this.pongsBefore >= 0 ? nowUs + PONG_POLL_US : this.progressUs + this.timeoutUs;
  }

  /** Nothing came for long, and a sign of life that was asked for then has come. Asks for it. */
  private isLost(nowUs: i64): bool {
    const mqtt = this.mailbox.mqtt;
    if (this.pongsBefore >= 0) return <i64>mqtt.pongs > this.pongsBefore;
    if (nowUs - this.progressUs >= this.timeoutUs && mqtt.ping()) this.pongsBefore = mqtt.pongs;
    return false;
  }

  private measure(us: i64, bytes: u32): void {
    // RFC 6298, 2.2 and 2.3, by shifts: a 64-bit division is a kilobyte.
    if (this.smoothedUs == 0) {
      this.smoothedUs = us;
      this.variationUs = us >> 1;
    } else {
      const off = us - this.smoothedUs;
      this.variationUs += ((off < 0 ? -off : off) - this.variationUs) >> 2;
      this.smoothedUs += off >> 3;
    }
    this.timeoutUs = max(TIMEOUT_MIN_US, min(TIMEOUT_MAX_US, this.smoothedUs + (this.variationUs << 2)));
    if (bytes < MEASURED_BYTES_MIN) return;
    if (this.pieceUs == 0) this.pieceUs = us;
    // Without another piece behind it, it also waited for the request; that it was faster is true all the same.
    else if (this.isPipelined || us < this.pieceUs || this.window == 1) this.pieceUs += (us - this.pieceUs) >> 2;
    this.window = 1;
    for (let us = this.pieceUs << 1; us <= QUEUE_US && this.window < FETCH_WINDOW_MAX; us += this.pieceUs)
      this.window++;
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
