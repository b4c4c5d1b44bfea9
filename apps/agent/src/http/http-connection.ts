// One client after the other on one stream: reads a request, has it answered, and reads the next one where the client
// wants more of them (RFC 9112 §9.3). An answer is made when the stream has room for all of it, so whoever sends
// requests and reads no answers is not read from any more, and is let go after a while.

import { Errno } from "../exokernel";
import { Stream } from "../stream";
import { Answer, ANSWER_BYTES_MAX } from "./answer";
import { KeyValueService } from "./key-value-service";
import { NO_PLACE } from "./key-value-table";
import { isText } from "./field-text";
import { INCOMPLETE, Method, RequestHead } from "./request-head";
import { Status } from "./status";
import { StatusPage } from "./status-page";

/** Between two requests, and before the first one. */
const IDLE_US: i64 = 15_000_000;
/** So long a client may take for its first request though others wait. */
const NEW_US: i64 = 2_000_000;
/** From the first byte of a request to the last one of its head, then of its body; and until its answer can go. */
const HEAD_US: i64 = 10_000_000;
const BODY_US: i64 = 20_000_000;
const ANSWER_US: i64 = 10_000_000;
/** Then the connection ends: others want to be served, too. */
const REQUESTS_MAX: u32 = 1000;
/** Of one client in one step, so that a step is bounded. */
const REQUESTS_PER_STEP: u32 = 4;

/** What is served. */
export class Site {
  requests: u32 = 0;
  refused: u32 = 0;
  /** Every client that there is room for is there: answers are the last ones of their connections. */
  isFull: bool = false;
  constructor(
    readonly answer: Answer,
    readonly status: StatusPage,
    readonly keyValue: KeyValueService,
  ) {}
}

const enum Step {
  /** A head is read. */
  Head,
  /** It is whole, or can't be: what it asks for is done as soon as there is room for an answer. */
  Decide,
  /** The value of a PUT is read. */
  Body,
}

export class HttpConnection {
  private stream: Stream | null = null;
  private head: RequestHead = new RequestHead();
  private step: Step = Step.Head;
  /** When what is being waited for must have come. */
  deadlineUs: i64 = 0;
  private requests: u32 = 0;
  /** What the request is refused with, whatever it asks for; Status.Ok: it is well formed. */
  private verdict: u32 = Status.Ok;
  /** Of a PUT: where its value goes, how much of it is there, and how much of that came with the head. */
  private place: u32 = NO_PLACE;
  private taken: u32 = 0;
  private takenWithHead: u32 = 0;

  constructor(private site: Site) {}

  isFree(): bool {
    return this.stream == null;
  }

  open(stream: Stream, nowUs: i64): void {
    this.stream = stream;
    this.requests = 0;
    this.head.clear();
    this.begin(nowUs);
  }

  /** It has had an answer and has asked nothing since, or is here for a while and has never asked anything. */
  isIdle(nowUs: i64): bool {
    if (this.step != Step.Head || this.head.hasBegun()) return false;
    return this.requests != 0 || this.deadlineUs - nowUs < IDLE_US - NEW_US;
  }

  /** Ends an idle connection, unless a request has come since the last step. */
  giveWay(nowUs: i64): void {
    const stream = this.stream;
    if (stream != null && !this.advance(stream, nowUs) && this.isIdle(nowUs)) this.leave(stream);
  }

  /** Does what there is to do, within bounds; when to come again, if nothing comes before. */
  poll(nowUs: i64): i64 {
    const before = this.requests;
    let stream = this.stream;
    while (stream != null && this.advance(stream, nowUs)) {
      if (this.requests - before == REQUESTS_PER_STEP) return nowUs;
      stream = this.stream;
    }
    if (stream != null && nowUs >= this.deadlineUs) this.late(stream, nowUs);
    return this.stream == null ? i64.MAX_VALUE : this.deadlineUs;
  }

  /** Bytes that it has still to read, as far as that is known. */
  remainingBytes(): u32 {
    return this.step == Step.Body ? this.head.contentBytes - this.taken : 1;
  }

  private begin(nowUs: i64): void {
    this.verdict = Status.Ok;
    this.place = NO_PLACE;
    this.taken = 0;
    this.takenWithHead = 0;
    this.wait(Step.Head, nowUs + (this.head.hasBegun() ? HEAD_US : IDLE_US));
  }

  private wait(step: Step, deadlineUs: i64): void {
    this.step = step;
    this.deadlineUs = deadlineUs;
  }

  /** One step; false when it has to wait. */
  private advance(stream: Stream, nowUs: i64): bool {
    if (this.step == Step.Head) return this.readHead(stream, nowUs);
    if (this.step == Step.Decide) return this.decide(stream, nowUs);
    return this.readBody(stream, nowUs);
  }

  private readHead(stream: Stream, nowUs: i64): bool {
    const head = this.head;
    // What came behind the last request comes first: it may be a whole one.
    let verdict = head.take();
    if (verdict == INCOMPLETE) {
      const got = stream.read(head.free(), head.room());
      if (got <= 0) {
        if (got != Errno.Again) this.leave(stream);
        return false;
      }
      if (!head.hasBegun()) this.deadlineUs = nowUs + HEAD_US;
      head.filled += got;
      verdict = head.take();
      if (verdict == INCOMPLETE) return true;
    }
    this.verdict = verdict;
    this.wait(Step.Decide, nowUs + ANSWER_US);
    return true;
  }

  private decide(stream: Stream, nowUs: i64): bool {
    const room = stream.room();
    if (room < <i32>ANSWER_BYTES_MAX) {
      if (room == Errno.Closed) this.leave(stream);
      return false;
    }
    const head = this.head;
    const answer = this.site.answer;
    const keyValue = this.site.keyValue;
    const isKeyValue = this.verdict == Status.Ok && keyValue.has(head.path, head.pathBytes);
    if (this.verdict != Status.Ok) answer.refuse(this.verdict);
    else if (head.method == Method.Unknown) answer.refuse(Status.NotImplemented);
    else if (isKeyValue && head.method == Method.Put) {
      this.place = keyValue.beginValue(head, answer);
      if (this.place != NO_PLACE) return this.beginBody(stream, nowUs);
    } else if (head.contentBytes != 0) answer.refuseWith(Status.BadRequest, "Only a PUT below /kv/ has a body here.");
    else {
      if (isKeyValue) keyValue.answer(head, answer);
      else this.answerStatus(head, answer);
      this.finish(stream, nowUs, !head.isPersistent);
      return true;
    }
    // What was refused may have a body that nobody reads: no request is looked for in it.
    ++this.site.refused;
    this.finish(stream, nowUs, true);
    return true;
  }

  private answerStatus(head: RequestHead, answer: Answer): void {
    const isPage = isText(head.path, head.pathBytes, "/");
    const isJson = isText(head.path, head.pathBytes, "/status.json");
    if (!isPage && !isJson) answer.refuse(Status.NotFound);
    else if (head.method != Method.Get && head.method != Method.Head)
      answer.refuse(Status.MethodNotAllowed, "GET, HEAD");
    else if (isPage) this.site.status.answerHtml(answer);
    else this.site.status.answerJson(answer);
  }

  private beginBody(stream: Stream, nowUs: i64): bool {
    const head = this.head;
    const behind = head.filled - head.bytes();
    this.takenWithHead = min(behind, head.contentBytes);
    this.taken = this.takenWithHead;
    memory.copy(this.site.keyValue.table.value(this.place), head.buffer + head.bytes(), this.taken);
    if (head.expectsContinue && behind == 0) this.site.answer.sendContinue(stream);
    this.wait(Step.Body, nowUs + BODY_US);
    return true;
  }

  /** The rest comes straight to its place. */
  private readBody(stream: Stream, nowUs: i64): bool {
    const head = this.head;
    const answer = this.site.answer;
    const keyValue = this.site.keyValue;
    while (this.taken < head.contentBytes) {
      const to = keyValue.table.value(this.place) + this.taken;
      const got = stream.read(to, head.contentBytes - this.taken);
      if (got <= 0) {
        if (got != Errno.Again) this.leave(stream);
        return false;
      }
      this.taken += got;
    }
    keyValue.endValue(this.place, this.taken, answer);
    this.place = NO_PLACE;
    this.finish(stream, nowUs, !head.isPersistent);
    return true;
  }

  /**
   * Sends the answer that was made. There is room for it: nothing was sent since that was asked, but a `100 Continue`.
   */
  private finish(stream: Stream, nowUs: i64, isLast: bool): void {
    const head = this.head;
    ++this.site.requests;
    ++this.requests;
    const ends = isLast || this.site.isFull || this.requests == REQUESTS_MAX;
    this.site.answer.send(stream, head.method == Method.Head, ends);
    if (ends) return this.leave(stream);
    head.drop(head.bytes() + this.takenWithHead);
    this.begin(nowUs);
  }

  /** A deadline has passed. Who has begun a request is told so; who sent nothing, or reads no answers, is not. */
  private late(stream: Stream, nowUs: i64): void {
    const isWaitedFor = this.step == Step.Body || (this.step == Step.Head && this.head.hasBegun());
    if (!isWaitedFor || stream.room() < <i32>ANSWER_BYTES_MAX) return this.leave(stream);
    this.verdict = Status.RequestTimeout;
    ++this.site.refused;
    this.site.answer.refuse(Status.RequestTimeout);
    this.finish(stream, nowUs, true);
  }

  private leave(stream: Stream): void {
    if (this.place != NO_PLACE) this.site.keyValue.table.abandon(this.place);
    this.place = NO_PLACE;
    stream.close();
    this.stream = null;
  }
}
