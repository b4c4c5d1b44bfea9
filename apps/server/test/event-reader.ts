// A reader of GET /api/v1/events, as a program would be one: it keeps what it heard, and the id to go on from.

export interface Heard {
  kind: string;
  id: string;
  // Tests look into events of many shapes.
  data: any;
}

export class EventReader {
  readonly heard: Heard[] = [];
  /** As an EventSource keeps it. */
  lastEventId = "";
  readonly ended: Promise<void>;
  readonly #stop = new AbortController();

  private constructor(response: Response, stop: AbortController) {
    this.#stop = stop;
    this.ended = this.#read(response).catch(() => {});
  }

  static async open(url: string, cookie: string, headers: Record<string, string> = {}): Promise<EventReader> {
    const stop = new AbortController();
    const response = await fetch(url, { headers: { cookie, ...headers }, signal: stop.signal });
    if (response.status !== 200) throw new Error(`${response.status} ${await response.text()}`);
    return new EventReader(response, stop);
  }

  readonly of = (kind: string): any[] => this.heard.filter((event) => event.kind === kind).map(({ data }) => data);

  async until(fits: (reader: EventReader) => boolean): Promise<void> {
    const deadline = Date.now() + 20_000;
    while (!fits(this)) {
      if (Date.now() > deadline) throw new Error(`it never came: ${JSON.stringify(this.heard).slice(0, 2000)}`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.ended;
  }

  async #read(response: Response): Promise<void> {
    const decoder = new TextDecoder();
    let text = "";
    for await (const bytes of response.body as unknown as AsyncIterable<Uint8Array>) {
      text += decoder.decode(bytes, { stream: true });
      const blocks = text.split("\n\n");
      text = blocks.pop()!;
      for (const block of blocks) this.#take(block);
    }
  }

  #take(block: string): void {
    const fields = Object.fromEntries(block.split("\n").map((line) => line.split(/: (.*)/s, 2)));
    if (fields["id"] !== undefined) this.lastEventId = fields["id"];
    if (fields["event"] === undefined) return;
    this.heard.push({ kind: fields["event"], id: fields["id"] ?? "", data: JSON.parse(fields["data"]) });
  }
}
