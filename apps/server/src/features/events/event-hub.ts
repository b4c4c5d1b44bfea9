// Server-sent events. What changed is only marked; a moment later each changed thing is loaded once and sent to all, so
// that a burst of changes to one device is one event. A reader that is too slow loses events and is told so (`resync`).

import type { ThingKind } from "@flipside/api/event-kinds";
import type { Announcement, Feed } from "../../changes/feed.ts";
import type { Logger } from "../../logging.ts";
import type { Change } from "../../storage/outbox.ts";

export type Loaders = Record<ThingKind, (id: string) => Promise<unknown>>;

/** Where events go: an HTTP response, or a test. */
export interface EventSink {
  write(text: string): boolean;
  onDrain(listener: () => void): void;
  end(): void;
}

export interface EventHub {
  /** Returns how to leave, or undefined when too many are connected. */
  join(sink: EventSink): (() => void) | undefined;
  close(): void;
}

const gatherMs = 50;
const pingMs = 15_000;
const clientsMax = 200;
/** Changed things that wait to be loaded; beyond it everybody is told to load everything anew. */
const markedMax = 2_000;
/** Events held for one reader whose connection is full. */
const queueMax = 500;

interface Client {
  sink: EventSink;
  blocked: boolean;
  queue: string[];
  dropped: boolean;
}

/** What consoles are told of a change: the things themselves, as they are then. */
export function marksOf(change: Change | Announcement): { kind: ThingKind; id: string }[] {
  switch (change.kind) {
    case "device":
    case "release":
    case "rollout":
      return [{ kind: change.kind, id: change.id }];
    case "deployment": {
      const moved = "moved" in change && change.moved !== undefined;
      return [
        { kind: "deployment", id: change.id },
        ...(moved ? [{ kind: "device" as const, id: change.deviceId }] : []),
      ];
    }
    case "targets":
      return (change.deployments ?? []).flatMap(({ id, deviceId }) => [
        { kind: "deployment" as const, id },
        { kind: "device" as const, id: deviceId },
      ]);
    case "images-mended":
    case "emergency-stop":
    case "turn":
    case "anything":
      return [];
  }
}

/** More than is named: consoles are to load everything anew. */
const isUnnamed = (change: Change | Announcement): boolean =>
  change.kind === "anything" || (change.kind === "targets" && change.deployments === undefined);

export function createEventHub(loaders: Loaders, feed: Pick<Feed, "follow">, log: Logger): EventHub {
  const clients = new Set<Client>();
  const marked = new Map<string, { kind: ThingKind; id: string }>();
  /** Set from the first mark until nothing is marked any more, also while things are loaded. */
  let timer: NodeJS.Timeout | undefined;
  let overflowed = false;
  let closed = false;

  function send(client: Client, text: string): void {
    if (!client.blocked) {
      client.blocked = !client.sink.write(text);
      return;
    }
    if (client.queue.length >= queueMax) {
      client.queue.length = 0;
      client.dropped = true;
    }
    if (!client.dropped) client.queue.push(text);
  }

  function drained(client: Client): void {
    client.blocked = false;
    if (client.dropped) {
      client.dropped = false;
      client.queue.length = 0;
      client.blocked = !client.sink.write("event: resync\ndata: {}\n\n");
    }
    while (!client.blocked && client.queue.length > 0) client.blocked = !client.sink.write(client.queue.shift()!);
  }

  /** One at a time: an answer that took long would else be told behind a newer one of the same thing. */
  async function flush(): Promise<void> {
    const batch = [...marked.values()];
    marked.clear();
    if (overflowed) {
      overflowed = false;
      for (const client of clients) send(client, "event: resync\ndata: {}\n\n");
    } else {
      for (const { kind, id } of batch) await tell(kind, id);
    }
    timer = !closed && (marked.size > 0 || overflowed) ? setTimeout(() => void flush(), gatherMs) : undefined;
  }

  async function tell(kind: ThingKind, id: string): Promise<void> {
    if (clients.size === 0) return;
    try {
      const data = await loaders[kind](id);
      // Deployments go with what lists them.
      if (data === undefined && kind === "deployment") return;
      const text =
        data === undefined
          ? `event: gone\ndata: ${JSON.stringify({ kind, id })}\n\n`
          : `event: ${kind}\ndata: ${JSON.stringify(data)}\n\n`;
      for (const client of clients) send(client, text);
    } catch (error) {
      if (!closed) log.error({ err: error as Error, kind, id }, "an event could not be loaded");
    }
  }

  const ping = setInterval(() => {
    for (const client of clients) if (!client.blocked) client.blocked = !client.sink.write(": ping\n\n");
  }, pingMs);
  ping.unref();

  function overflow(): void {
    overflowed = true;
    marked.clear();
  }

  function mark(kind: ThingKind, id: string): void {
    if (clients.size === 0 || closed) return;
    if (marked.size >= markedMax) overflow();
    if (!overflowed) marked.set(`${kind} ${id}`, { kind, id });
    timer ??= setTimeout(() => void flush(), gatherMs);
  }

  feed.follow((change) => {
    if (isUnnamed(change) && clients.size > 0 && !closed) {
      overflow();
      timer ??= setTimeout(() => void flush(), gatherMs);
    }
    for (const { kind, id } of marksOf(change)) mark(kind, id);
  });

  return {
    join(sink) {
      if (closed || clients.size >= clientsMax) return undefined;
      const client: Client = { sink, blocked: false, queue: [], dropped: false };
      clients.add(client);
      sink.onDrain(() => drained(client));
      client.blocked = !sink.write(": connected\n\n");
      return () => void clients.delete(client);
    },
    close() {
      closed = true;
      clearInterval(ping);
      clearTimeout(timer);
      for (const client of clients) client.sink.end();
      clients.clear();
    },
  };
}
