// Updates that go odd ways, of the whole agent behind a hostile server: offers in turn, pieces that are spoilt in every
// way, flash that can't be read for a while, an image that is in the slot already, whole or not, and a journal of many
// beginnings. Besides what target `agent-messages` asks (flash-watch.ts, agent-session.ts), the course itself has to be
// right (update-rules.ts).
//
// Input: u8 what device it is (starts below); then items (items.ts).

import { BOOT_FLAG_CONTACT_FALLBACK, SlotState } from "@flipside/image-format";
import type { SeededRandom } from "@flipside/machine/faults/seeded-random";
import { insert } from "../engine/mutate.ts";
import { type Draft, type OpenTarget, type Target, Violation } from "../engine/target.ts";
import { AgentDevice, type Before, type Off, RUNNING_SEQUENCE, type Start } from "./agent-device.ts";
import { Session } from "./agent-session.ts";
import { Left } from "./device-host.ts";
import { makeImage, strictVerifier } from "./device-images.ts";
import { FlashWatch } from "./flash-watch.ts";
import { itemsIn, itemsOf, joined, replaceItem, shuffleItems } from "./items.ts";
import { decodeJournalRecord, encodeJournalRecord } from "./journal-records.ts";
import { bytesOf, sha256Of } from "./keys.ts";
import {
  command,
  hex,
  Kind,
  LONGEST_NAME,
  lost,
  NAMELESS,
  offer,
  OFFER_OTHER_SESSION,
  type Parts,
  partsOf,
  prove,
  raw,
  serve,
  SHORT_NAME,
  SPOILT_ATTEMPT,
  SPOILT_BIT,
  SPOILT_CUT,
  SPOILT_DIGEST,
  SPOILT_EMPTY,
  SPOILT_MAGIC,
  SPOILT_PART,
  time,
  TOO_LONG_NAME,
  unreadable,
} from "./message-items.ts";
import { UpdateRules } from "./update-rules.ts";

const ITEMS_AT = 1;
const LARGE = { payloadBytes: 17_000, chunkBytes: 1024 };
/** Sectors of slot B that an image of that length fills. */
const LARGE_SECTORS = 3;
const SIGNATURE_AT = 20;
const HOUR_US = 3_600_000_000;

interface Given {
  digest: Uint8Array;
  sealed?: number;
  abandoned?: number;
}

/** A begin of an earlier run, for slot B. */
const beginRecord = ({ digest, sealed = 0, abandoned = 0 }: Given): Uint8Array =>
  encodeJournalRecord({
    kind: "begin",
    sector: sealed,
    digest,
    attempt: 1,
    slot: 1,
    abandoned,
    stalled: 0,
    id: Buffer.from("deploy-1"),
    run: 3,
    number: 1,
    isReuse: false,
  });

interface Device {
  name: string;
  before: Before;
  /** The server has proved itself when an input begins; else the input begins with the start of the image. */
  isProven: boolean;
  takesNoOffers?: boolean;
}

export const update: OpenTarget = async (patches = []): Promise<Target> => {
  const device = await AgentDevice.open(patches);
  const { host, server } = device;
  const verifier = await strictVerifier();
  const watch = new FlashWatch(host, verifier);
  const make = async (...about: Parameters<typeof makeImage>): Promise<{ file: Uint8Array; parts: Parts }> => {
    const file = await makeImage(...about);
    return { file, parts: partsOf(file, about[2]?.chunkBytes ?? 256) };
  };
  const good = await make("new", { releaseSequence: 6, securityCounter: 2 });
  const large = await make("large", { releaseSequence: 7, securityCounter: 2 }, LARGE);
  const third = await make("third", { releaseSequence: 8, securityCounter: 2 });
  const older = { file: device.older, parts: partsOf(device.older, 256) };
  const running = partsOf(device.running, 256);
  const pool = [good, large, third, older].map(({ parts }) => parts);
  const digestOf = ({ header }: Parts): Uint8Array => sha256Of(header);
  const around = { device, watch, verifier, images: [...pool, running] };
  let rules!: UpdateRules;
  const watched = host.onChange;
  host.onChange = (change) => {
    rules?.changed(change);
    watched(change);
  };

  // ---- devices
  // -------------------------------------------------------------------------------------------------------------

  const confirmed = { image: older.file, state: SlotState.Confirmed };
  const damagedAt =
    (at: number, from: "start" | "end" = "start") =>
    (slot: Uint8Array): void =>
      void (slot[from === "start" ? at : 2 * 16_384 + at]! ^= 1);
  const many = (abandoned: number): Uint8Array[] => [beginRecord({ digest: bytesOf("one of many"), abandoned })];
  const taken: Uint8Array[] = [beginRecord({ digest: digestOf(large.parts), sealed: LARGE_SECTORS })];
  const devices: Device[] = [
    { name: "an older image in the other slot", before: { other: confirmed }, isProven: true },
    { name: "nothing in the other slot", before: {}, isProven: true },
    {
      name: "an older image in the other slot, after many beginnings",
      before: { other: confirmed, journal: many(5) },
      isProven: true,
    },
    {
      name: "an older image in the other slot, its signature damaged",
      before: { other: { ...confirmed, changed: damagedAt(older.parts.header.length + SIGNATURE_AT) } },
      isProven: true,
    },
    {
      name: "an image that has come whole, one chunk damaged since",
      before: { other: { image: large.file, state: SlotState.Empty, changed: damagedAt(100, "end") }, journal: taken },
      isProven: true,
    },
    {
      name: "an image that has come whole",
      before: { other: { image: large.file, state: SlotState.Empty }, journal: taken },
      isProven: true,
    },
    {
      name: "started after two hours of recovery, after many beginnings",
      before: { journal: many(5), startUs: 2 * HOUR_US },
      isProven: false,
    },
    {
      name: "started: another image was begun than the one that failed",
      before: {
        other: { image: older.file, state: SlotState.Failed },
        journal: [beginRecord({ digest: digestOf(good.parts) })],
      },
      isProven: false,
    },
    {
      name: "started: the image that was begun failed",
      before: {
        other: { image: older.file, state: SlotState.Failed },
        journal: [beginRecord({ digest: digestOf(older.parts) })],
      },
      isProven: false,
    },
    {
      name: "started in a contact fallback from nothing",
      before: {
        other: confirmed,
        journal: [beginRecord({ digest: digestOf(good.parts) })],
        flags: BOOT_FLAG_CONTACT_FALLBACK,
      },
      isProven: false,
    },
    {
      name: "started in a contact fallback",
      before: {
        other: { ...confirmed, state: SlotState.Candidate },
        journal: [beginRecord({ digest: digestOf(older.parts) })],
        flags: BOOT_FLAG_CONTACT_FALLBACK,
      },
      isProven: false,
      takesNoOffers: true,
    },
  ];
  const opened: {
    off: Off;
    start: Start | undefined;
    startUs: number;
    newest: Uint8Array | undefined;
    takesNoOffers: boolean;
  }[] = [];
  for (const { before, isProven, name, takesNoOffers = false } of devices) {
    const off = await device.load(before);
    const startUs = off.device.nowUs;
    watch.begin(() => ({ slots: [1], refuses: () => undefined }));
    server.onPublish = server.onSaid = () => {};
    device.start(off);
    if (isProven) device.prove();
    opened.push({
      off,
      start: isProven ? device.save(name) : undefined,
      startUs,
      newest: before.journal?.[0],
      takesNoOffers,
    });
  }

  const run = (input: Uint8Array): boolean => {
    const { off, start, startUs, newest, takesNoOffers } = opened[(input[0] ?? 0) % opened.length]!;
    const session = new Session(around);
    server.onPublish = server.onSaid = () => {};
    rules = new UpdateRules(around, hex(digestOf(running)), newest, startUs);
    if (takesNoOffers) rules.shake();
    if (start) device.restore(start);
    else host.restore(off.device);
    // What the journal was begun for was accepted in an earlier run, older or not.
    const accepted = newest && hex(decodeJournalRecord(newest)!.digest);
    watch.begin(() => ({
      slots: [1],
      refuses: (image, before) =>
        session.refuses(image.digest === accepted ? { ...image, releaseSequence: RUNNING_SEQUENCE } : image, before),
    }));
    server.onConnect = (name, port) => void session.connected.push({ host: name, port });
    server.onPublish = (leaf, payload) => rules.published(leaf, payload);
    server.onSaid = (said) => rules.said(said);
    try {
      if (!start) device.start(off);
      for (const each of itemsIn(input, ITEMS_AT)) {
        const kind = each.kind % Kind.Count;
        if (kind === Kind.Lost || (kind === Kind.Raw && (each.put & 3) === 0)) rules.shake();
        session.feed(each);
        rules.check();
      }
      return false;
    } catch (error) {
      if (!(error instanceof Left)) throw error;
      if (error.how !== "reset") throw new Violation("the agent starts an image");
      session.checkReset(error.value);
      rules.reset(error.value);
      return true;
    }
  };

  // ---- courses
  // -------------------------------------------------------------------------------------------------------------

  const [g, l, t, o] = pool as [Parts, Parts, Parts, Parts];
  const proves = joined(prove(), prove());
  const reboot = command({ number: 1, kind: 1 });
  const move = command({ number: 1, kind: 2, host: "new.example", port: 8883, id: "c2".repeat(16) });
  const withdrawn = raw("offer", '{"session":"$S","pollMs":500}');
  const again = (times: number, ...items: Uint8Array[]): Uint8Array =>
    joined(...Array.from({ length: times }, () => items).flat());
  const all = joined(serve(1), serve(255), serve(255), serve(255), time(700));
  const installs: [name: string, input: Uint8Array][] = [
    ["an image that is in the other slot", joined([0], offer(o), time(700))],
    ["an image of three chunks", joined([1], offer(g), all)],
    ["an image of seventeen", joined([1], offer(l), all)],
    ["a deployment with the shortest name", joined([1], offer(g, { deployment: SHORT_NAME }), all)],
    ["one with the longest", joined([1], offer(g, { deployment: LONGEST_NAME }), all)],
    [
      "a table that is spoilt twice, and a chunk after it",
      joined(
        [1],
        offer(l),
        serve(1, 0),
        serve(1, 0),
        serve(1),
        serve(2, 0),
        serve(255),
        serve(255),
        serve(255),
        time(700),
      ),
    ],
    [
      "a table that is spoilt twice for one image, and once for the next",
      joined([1], offer(l), serve(1, 0), serve(1, 0), offer(g, { deployment: 2 }), serve(1), serve(1, 0), all),
    ],
    ["what no signature holds for any more is fetched", joined([3], offer(o), time(100), all)],
    ["what has gone bad in flash is fetched", joined([4], offer(l), time(100), all)],
    ["what is there whole is not", joined([5], offer(l), time(700))],
    ["one that was withdrawn", joined([1], offer(l), serve(1), serve(3), withdrawn, time(100), offer(l), all)],
  ];
  const others: Uint8Array[] = [
    joined([1], offer(g, { deployment: NAMELESS }), serve(1), time(100)),
    joined([1], offer(g, { deployment: TOO_LONG_NAME }), serve(1), time(100)),
    joined([1], offer(l), serve(1), serve(2), offer(running, { deployment: 2 }), time(3000), serve(2)),
    joined([1], offer(l), again(4, serve(1, 0))),
    joined([1], offer(l), serve(1), again(4, serve(2, 0)), time(100)),
    // Spoilt in ways that must not count, or must.
    ...[SPOILT_MAGIC, SPOILT_CUT, SPOILT_EMPTY, SPOILT_PART, SPOILT_ATTEMPT, SPOILT_DIGEST].flatMap((how) => [
      joined([1], offer(g), serve(1), serve(2), serve(1, 0, how), time(700)),
      joined([1], offer(l), serve(1, 0), again(3, serve(1, 0, how), time(7000)), time(100)),
      joined([1], offer(l), serve(1), serve(2, 0), again(3, serve(2, 0, how), time(7000)), time(100)),
    ]),
    // What has come whole and can't be read is not fetched again, whatever went before it.
    ...(
      [
        [0, o],
        [4, l],
      ] as const
    ).map(([begins, ended]) =>
      joined(
        [begins],
        offer(ended, { deadlineMs: 0 }),
        time(100),
        offer(g, { deployment: 2 }),
        serve(1),
        serve(2),
        unreadable(300),
        serve(1),
        time(1000),
        serve(1),
        time(100),
      ),
    ),
    joined([4], offer(l), time(100), serve(1), serve(16), unreadable(300), serve(1), time(1000), serve(1), time(100)),
    // Put off: what the device may do meanwhile.
    joined([2], offer(o), time(200), reboot, time(700)),
    joined([2], offer(o), move, time(20_000)),
    joined([2], offer(o), time(16_000), time(700)),
    joined([6], proves, offer(g), serve(1), time(8000), serve(1), serve(8)),
    // Five beginnings in a row (two of the pieces are what the one before has asked for): the last has to wait from the
    // fourth on.
    joined(
      [1],
      offer(g),
      serve(1),
      offer(t, { deployment: 2 }),
      serve(3),
      offer(g, { deployment: 3 }),
      serve(3),
      offer(t, { deployment: 4 }),
      time(600),
      serve(3),
      offer(g, { deployment: 5 }),
      time(3500),
      serve(3),
      time(3000),
      serve(3),
    ),
    joined([7], proves, time(100), offer(g), serve(1), time(100)),
    joined([8], proves, time(100), offer(o, { deployment: 2 }), time(100)),
    joined([9], proves, time(100)),
    joined([1], offer(l), serve(1), serve(3), lost(), time(2000), proves, serve(255), serve(255), time(700)),
    joined(
      [1],
      offer(l, { put: OFFER_OTHER_SESSION }),
      offer(l, { deadlineMs: 1000 }),
      serve(1),
      time(1500),
      offer(l, { attempt: 2 }),
      serve(1),
      serve(4, 2),
    ),
  ];
  for (const [name, input] of installs)
    if (!run(input) || watch.record?.slotState(1) !== SlotState.Candidate)
      throw new Error(`${name}: is not installed: ${host.lines}`);

  const drawnItem = (random: SeededRandom): Uint8Array => {
    switch (random.below(6)) {
      case 0:
      case 1:
        return offer(random.pick([...pool, running]), {
          put: random.pick([0, 0, 0, OFFER_OTHER_SESSION]),
          deployment: random.pick([0, 1, 2, 3, SHORT_NAME, LONGEST_NAME, NAMELESS, TOO_LONG_NAME]),
          attempt: random.below(3),
          more: random.pick([0, 0, 0, 0, 1, -1]),
          deadlineMs: random.pick([0, 1000, 600_000]),
        });
      case 2:
      case 3:
        return serve(random.pick([1, 2, 8, 255]), random.pick([255, 255, 0, 1]), random.below(SPOILT_DIGEST + 1));
      case 4:
        return random.below(3) === 0
          ? unreadable(random.pick([100, 1000, 60_000]))
          : time(random.pick([1, 100, 499, 2001, 8_000, 16_000, 61_000]));
      default:
        return random.pick([withdrawn, lost(), proves, reboot, move]);
    }
  };

  return {
    name: "update",
    instance: device.instance,
    host,
    inputBytesMax: 6_000,
    share: 0.002,
    seeds: [...installs.map(([, input]) => input), ...others],
    dictionary: [withdrawn, serve(1), serve(255), time(700), unreadable(1000)],
    mutate(draft, random) {
      switch (random.below(5)) {
        case 0:
          draft.bytes[0] = random.below(devices.length);
          draft.length = Math.max(1, draft.length);
          return;
        case 1:
          return shuffleItems(draft, ITEMS_AT, random);
        case 2:
        case 3:
          return insert(
            draft,
            random.pick([ITEMS_AT, ...itemsOf(draft, ITEMS_AT).map(({ end }) => end)]),
            drawnItem(random),
          );
        default:
          return changeItem(draft, random);
      }
    },
    run: (input) => void run(input),
  };
};

/** How many, which, and how; how long. */
function changeItem(draft: Draft, random: SeededRandom): void {
  const items = itemsOf(draft, ITEMS_AT);
  if (items.length === 0) return;
  const chosen = random.pick(items);
  const kind = chosen.kind % Kind.Count;
  if (kind === Kind.Serve)
    replaceItem(
      draft,
      chosen,
      serve(
        random.pick([1, 2, 8, 255]),
        random.pick([0, 0, 1, 7, 255]),
        random.pick([SPOILT_BIT, random.below(SPOILT_DIGEST + 1)]),
      ),
    );
  else if (kind === Kind.Time)
    replaceItem(
      draft,
      chosen,
      random.below(4) === 0
        ? unreadable(random.pick([60, 500, 5000]))
        : time(random.pick([0, 1, 499, 501, 1999, 4001, 8001, 60_001])),
    );
  else if (kind === Kind.Offer && chosen.bytes.length > 4) chosen.bytes[random.below(2)] = random.below(4);
}
