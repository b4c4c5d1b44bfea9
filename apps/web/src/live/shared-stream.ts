// One event stream for all tabs of a browser. Over HTTP/1.1 a browser has six connections to a server, and six tabs
// with a stream each take them all. So one tab leads (leadership.ts): it has the stream, and tells the others. Whoever
// leads next goes on from the last cursor that was told, so that nothing is missed in between.

import { type ConnectionState, EventStream, type News } from "./event-stream.ts";
import { type Candidate, standAs } from "./leadership.ts";

/** Of what tabs say to each other, and with it whom they understand: tabs may be of several versions of the console. */
const channelName = "flipside-events-1";

/** A time of leading. What comes of an older one is not listened to: a tab that hung may say it when it wakes. */
interface Term {
  /** In milliseconds; later than that of the one before. */
  since: number;
  id: number;
}

type OfLeader =
  /** At each change, and now and then. */
  | { say: "state"; term: Term; state: ConnectionState; cursor: string | undefined }
  | { say: "news"; term: Term; news: News };

/** `here`: a tab wants to know how it stands. */
type Said = OfLeader | { say: "here" } | { say: "retry" };

const tickMs = 5_000;
/** So many ticks of its own without a word of the leader, which speaks at each: it hangs. */
const silentTicksMax = 4;

const isNewer = (one: Term, other: Term | undefined): boolean =>
  other === undefined || one.since > other.since || (one.since === other.since && one.id > other.id);

export interface SharedStreamRules {
  url: string;
  onNews(news: News): void;
  onState(state: ConnectionState): void;
}

export class SharedStream {
  readonly #rules: SharedStreamRules;
  readonly #channel = new BroadcastChannel(channelName);
  readonly #candidate: Candidate;
  readonly #ticker: ReturnType<typeof setInterval>;
  /** Of whoever leads, as far as is known here. */
  #term: Term | undefined;
  #cursor: string | undefined;
  #state: ConnectionState = "connecting";
  /** While this tab leads. */
  #stream: EventStream | undefined;
  #silentTicks = 0;

  constructor(rules: SharedStreamRules) {
    this.#rules = rules;
    this.#channel.onmessage = ({ data }: MessageEvent<Said>) => this.#hear(data);
    rules.onState(this.#state);
    this.#say({ say: "here" });
    this.#candidate = standAs(channelName, () => this.#lead());
    this.#ticker = setInterval(() => this.#tick(), tickMs);
    window.addEventListener("pageshow", this.#isShownAgain);
  }

  /** For the operator's button and for a network that has come back. */
  retryNow(): void {
    if (this.#stream === undefined) this.#say({ say: "retry" });
    else this.#stream.retryNow();
  }

  close(): void {
    clearInterval(this.#ticker);
    window.removeEventListener("pageshow", this.#isShownAgain);
    this.#candidate.leave();
    this.#channel.close();
  }

  /** As it was left: a page that the browser had put away has heard nothing meanwhile. */
  readonly #isShownAgain = ({ persisted }: PageTransitionEvent): void => {
    if (persisted) this.#rules.onNews({ events: [], cursor: undefined, missed: "everything" });
  };

  readonly #say = (said: Said): void => this.#channel.postMessage(said);

  readonly #sayState = (): void =>
    this.#say({ say: "state", term: this.#term!, state: this.#state, cursor: this.#cursor });

  #lead(): () => void {
    const term = { since: Math.max(Date.now(), (this.#term?.since ?? 0) + 1), id: Math.random() };
    this.#term = term;
    const stream = new EventStream({
      url: this.#rules.url,
      after: this.#cursor,
      onNews: (news) => {
        this.#say({ say: "news", term, news });
        this.#take(news);
      },
      onState: (state) => {
        this.#stand(state);
        this.#sayState();
      },
    });
    this.#stream = stream;
    return () => {
      stream.close();
      if (this.#stream === stream) this.#stream = undefined;
    };
  }

  #hear(said: Said): void {
    if (said.say === "here") {
      if (this.#stream !== undefined) this.#sayState();
    } else if (said.say === "retry") {
      this.#stream?.retryNow();
    } else if (!isNewer(this.#term ?? said.term, said.term)) {
      this.#follow(said);
    }
  }

  /** What this term's leader says, or a later one's. */
  #follow(said: OfLeader): void {
    // Another leads now: this tab hung so long that it was taken for gone.
    if (this.#stream !== undefined) this.#candidate.giveWay();
    this.#term = said.term;
    this.#silentTicks = 0;
    if (said.say === "news") {
      this.#take(said.news);
      return;
    }
    this.#cursor = said.cursor ?? this.#cursor;
    this.#stand(said.state);
  }

  #tick(): void {
    if (this.#stream !== undefined) return this.#sayState();
    // Counted in ticks and not in time: a computer that slept has heard nothing either.
    this.#silentTicks++;
    if (this.#silentTicks < silentTicksMax) return;
    this.#silentTicks = 0;
    this.#stand("lost");
    this.#candidate.takeOver();
  }

  #take(news: News): void {
    this.#cursor = news.cursor ?? this.#cursor;
    this.#rules.onNews(news);
  }

  #stand(state: ConnectionState): void {
    if (state === this.#state) return;
    this.#state = state;
    this.#rules.onState(state);
  }
}
