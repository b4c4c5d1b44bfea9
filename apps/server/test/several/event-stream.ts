// A stream of server-sent events as a test listens to it.

import type { ApiClient } from "../fixture.ts";

const waitMsMax = 15_000;

interface Event {
  kind: string;
  data: any;
}

export interface EventStream {
  /** The first event that fits, of those that came and of those that come. */
  until(fits: (event: Event) => boolean): Promise<Event>;
  /** Resolves when the server ends it. */
  ended: Promise<void>;
  close(): void;
}

export async function eventStream(client: ApiClient): Promise<EventStream> {
  const abort = new AbortController();
  const response = await fetch(`${client.url}/api/v1/events`, {
    headers: { cookie: client.cookie },
    signal: abort.signal,
  });
  if (!response.ok) throw new Error(`no stream of events: ${response.status}`);
  const events: Event[] = [];
  let heard = (): void => {};
  const read = async (): Promise<void> => {
    let text = "";
    const reader = response.body!.getReader();
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      text += Buffer.from(part.value).toString();
      for (let end = text.indexOf("\n\n"); end >= 0; end = text.indexOf("\n\n")) {
        const [, kind, data] = /^event: (\S+)\nid: \S+\ndata: (.*)$/s.exec(text.slice(0, end)) ?? [];
        if (kind !== undefined) events.push({ kind, data: JSON.parse(data!) });
        text = text.slice(end + 2);
      }
      heard();
    }
  };
  const ended = read().catch(() => {});
  return {
    ended,
    close: () => abort.abort(),
    async until(fits) {
      const deadline = Date.now() + waitMsMax;
      for (;;) {
        const at = events.findIndex(fits);
        if (at >= 0) return events[at]!;
        const left = deadline - Date.now();
        if (left <= 0)
          throw new Error(`no such event came; of ${events.length} the last: ${JSON.stringify(events.at(-1))}`);
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, Math.min(200, left));
          heard = () => {
            clearTimeout(timer);
            resolve();
          };
        });
      }
    },
  };
}
