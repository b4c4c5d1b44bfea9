// The whole agent behind a hostile server: messages on `challenge`, `offer`, `chunk` and `command`, in any order, with
// time in between. Only what flash-watch.ts allows is written, of images that were offered in a proven session and may
// be installed; a command is answered as a plain reading of docs/protocol.md, "Commands", says, and does nothing unless
// that is code 0.
//
// Input: u8 where the session stands (starts below); then items (items.ts).

import { encodeSignatureBlock, SlotState } from "@flipside/image-format";
import type { SeededRandom } from "@flipside/machine/faults/seeded-random";
import { Zone } from "@flipside/machine/abi";
import { insert, write } from "../engine/mutate.ts";
import { type Draft, type OpenTarget, type Target, text, Violation } from "../engine/target.ts";
import { AgentDevice, type Start } from "./agent-device.ts";
import { Session } from "./agent-session.ts";
import { Left, WINDOW_BYTES } from "./device-host.ts";
import { makeImage, strictVerifier } from "./device-images.ts";
import { FlashWatch } from "./flash-watch.ts";
import { item, itemsIn, itemsOf, joined, replaceItem, shuffleItems } from "./items.ts";
import { bytesOf, operationsKey, releaseKey, secondReleaseKey, sha256Of } from "./keys.ts";
import {
  BODY_BYTES,
  CHUNK_IMAGE,
  CHUNK_WANTED,
  command,
  COMMAND_DEVICE,
  COMMAND_NONCE,
  COMMAND_OTHER_SESSION,
  COMMAND_SIGN,
  COMMAND_SIGN_BY_RELEASE,
  COMMAND_REFUSED,
  COMMAND_TAKEN,
  configure,
  hex,
  Kind,
  lost,
  offer,
  OFFER_FIXED_BYTES,
  OFFER_OTHER_SESSION,
  OFFER_PERMIT_DIGEST,
  OFFER_SIGN,
  type Parts,
  partsOf,
  permitBytes,
  prove,
  raw,
  serve,
  time,
} from "./message-items.ts";
import { deviceHash } from "./permit-holds.ts";

const ITEMS_AT = 1;

export const agentMessages: OpenTarget = async (patches = []): Promise<Target> => {
  const device = await AgentDevice.open(patches);
  const { host, server } = device;
  const verifier = await strictVerifier();
  const watch = new FlashWatch(host, verifier);
  const watched = host.onChange;
  host.onChange = (change) => {
    if (change.zone === Zone.Trust) throw new Violation("the trust record is changed");
    watched(change);
  };

  const make = async (...about: Parameters<typeof makeImage>): Promise<Parts> =>
    partsOf(await makeImage(...about), about[2]?.chunkBytes ?? 256);
  const good = await make("new", { releaseSequence: 6, securityCounter: 2 });
  const large = await make(
    "large",
    { releaseSequence: 7, securityCounter: 2 },
    { payloadBytes: 17_000, chunkBytes: 1024 },
  );
  const old = await make("old", { releaseSequence: 3 });
  const older = partsOf(device.older, 256);
  const bySecond = {
    ...good,
    signatures: encodeSignatureBlock([
      { keyId: secondReleaseKey.id, signature: secondReleaseKey.sign("image", good.header) },
    ]),
  };
  const damaged = { ...good, payload: good.payload.map((byte, i) => (i === 300 ? byte ^ 1 : byte)) };
  const pool = [
    good,
    large,
    old,
    older,
    partsOf(device.running, 256),
    bySecond,
    await make("below", { releaseSequence: 8, securityCounter: 0 }),
    await make("foreign", { product: "another" }),
    await make("hardware", { hardware: { name: "virtual", revisionMin: 2, revisionMax: 3 } }),
    await make("window", { releaseSequence: 9, loadAddress: WINDOW_BYTES - 596, entryAddress: WINDOW_BYTES - 596 }),
    await make("short", { releaseSequence: 9, tries: 1 }, { payloadBytes: 17 }),
  ];
  const wholes = [...pool, damaged];
  const around = { device, watch, verifier, images: wholes };

  const within = (session: Session, what: () => void): boolean => {
    server.onConnect = (name, port) => void session.connected.push({ host: name, port });
    try {
      what();
      return false;
    } catch (error) {
      if (!(error instanceof Left)) throw error;
      if (error.how !== "reset") throw new Violation("the agent starts an image");
      session.checkReset(error.value);
      return true;
    }
  };

  // ---- where an input may begin
  // ------------------------------------------------------------------------------------------

  const starts: { start: Start; session: Session }[] = [];
  const slotB = { slots: [1] };
  const begin = (session: Session): void =>
    watch.begin(() => ({ ...slotB, refuses: (image, before) => session.refuses(image, before) }));
  const keep = (name: string, session = new Session(around)): void =>
    void starts.push({ start: device.save(name), session });
  const feedAll = (session: Session, ...items: Uint8Array[]): boolean =>
    within(session, () => {
      for (const each of itemsIn(joined(...items), 0)) session.feed(each);
    });
  const updating = new Session(around);
  begin(updating);
  await device.powerOn(true);
  keep("hello");
  device.prove();
  keep("proven, an older image in the other slot");
  await device.powerOn(false);
  begin(updating);
  device.prove();
  keep("proven, nothing in the other slot");
  feedAll(updating, offer(large));
  keep("the table is wanted", new Session(around, updating));
  feedAll(updating, serve(1));
  keep("the first chunks are wanted", new Session(around, updating));
  feedAll(updating, serve(8), serve(4), serve(4));
  keep("the last chunk is wanted", new Session(around, updating));

  const run = (input: Uint8Array): boolean => {
    const { start, session: given } = starts[(input[0] ?? 0) % starts.length]!;
    device.restore(start);
    const session = new Session(around, given);
    begin(session);
    return within(session, () => {
      for (const each of itemsIn(input, ITEMS_AT)) session.feed(each);
    });
  };

  const anyPermit = permitBytes(sha256Of(old.header));
  const ownPermit = permitBytes(sha256Of(old.header), deviceHash);
  const withdrawn = raw("offer", '{"session":"$S","pollMs":500}');
  const permits = [
    anyPermit,
    ownPermit,
    permitBytes(sha256Of(old.header), bytesOf("another")),
    permitBytes(bytesOf("another")),
  ];
  const reboot = command({ number: 1, kind: 1 });
  const move = command({ number: 2, kind: 2, host: "new.example", port: 8883, id: "c2".repeat(16) });
  const firstChunk = item(
    Kind.Chunk,
    CHUNK_IMAGE | CHUNK_WANTED,
    joined(new Uint8Array(16), large.payload.subarray(0, 1024)),
  );
  const unknown = raw("challenge", '{"session":"$S","accepted":false,"error":"session-unknown"}');
  const loose = [
    withdrawn,
    unknown,
    raw("challenge", '{"session":"$S","nonce":"AAAAAAAAAAAAAAAAAAAAAA"}'),
    raw("offer", '{"session":"$S","deployment":"d1","attempt":1}'),
    raw("command", '{"session":"$S","command":"RlNDTQ"}'),
  ];
  const proves = joined(prove(), prove());
  const installs = [
    joined([1], offer(good), serve(1), serve(8), time(700)),
    joined([2], offer(large), serve(1), serve(8), serve(8), serve(8), time(700)),
    joined([5], serve(8), time(700)),
    joined([1], offer(older), time(700)),
    joined([1], offer(old, { permit: anyPermit }), serve(1), serve(8), time(700)),
  ];
  const rollBack = command({ number: 3, kind: 4 });
  const collect = command({ number: 4, kind: 6, id: "c4".repeat(16) });
  const lastReboot = command({ number: 5, kind: 1 });
  const documents = ['{"a":1}', "{}", "[1]", '{"a":1', `{"a":"${"x".repeat(1016)}"}`, `{"a":"${"x".repeat(1017)}"}`];
  const forged = configure(1, 1, documents[0]!, COMMAND_SIGN_BY_RELEASE | COMMAND_TAKEN);
  forged[forged.length - 2]! ^= 3;
  const carriesOut = [
    joined([1], reboot, time(700)),
    joined([2], move, time(1000), proves, reboot, time(1000)),
    joined([1], rollBack, time(700)),
    joined([1], configure(1, 9, documents[0]!, COMMAND_TAKEN), time(100), collect, time(200), lastReboot, time(700)),
  ];
  const seeds = [
    ...installs,
    ...carriesOut,
    joined([3], serve(1), serve(255), serve(255), serve(255), time(700)),
    joined([4], firstChunk, serve(255), serve(3, 1), serve(255), time(3000)),
    joined([0], proves, offer(good), serve(1), serve(8), time(700)),
    joined([0], offer(good), prove(1), prove(1), time(16_000), prove(), prove(1), reboot, time(1000)),
    joined([1], move, time(1000), proves, time(1000), reboot, time(1000)),
    joined([2], move, time(62_000), proves, reboot),
    joined(
      [1],
      offer(old),
      offer(old, { permit: ownPermit, attempt: 2 }),
      withdrawn,
      offer(good, { deployment: 2, deadlineMs: 1000 }),
      time(2000),
    ),
    joined(
      [4],
      lost(),
      time(2000),
      proves,
      offer(large, { attempt: 2 }),
      serve(8),
      serve(9, 0),
      serve(9, 0),
      serve(9, 0),
    ),
    joined([2], offer(damaged), serve(1), serve(8), serve(8), serve(8)),
    joined([1], unknown, time(100), proves),
    joined([4], offer(good, { deployment: 3 }), serve(1), move, serve(3), reboot, time(700)),
    joined(
      [1],
      command({ number: 1, kind: 1 }, COMMAND_DEVICE | COMMAND_NONCE | COMMAND_SIGN_BY_RELEASE),
      command({ number: 1, kind: 1 }, COMMAND_NONCE | COMMAND_SIGN | COMMAND_OTHER_SESSION),
      command({ number: 2, kind: 7 }),
      command({ number: 3, kind: 3, seconds: 2 }),
      collect,
      command({ number: 4, kind: 1, port: 1 }),
      time(10),
    ),
    joined(
      [2],
      configure(1, 1, documents[0]!, COMMAND_REFUSED),
      configure(2, 2, documents[1]!, COMMAND_TAKEN),
      configure(3, 1, documents[0]!, COMMAND_TAKEN),
      configure(4, 3, documents[0]!),
      time(10_001),
      configure(5, 2, documents[4]!, COMMAND_TAKEN),
    ),
    ...documents.slice(2).map((document, i) => joined([1], configure(1, i + 1, document, COMMAND_TAKEN), time(200))),
    joined([2], rollBack, time(700)),
    joined([2], forged, time(700)),
    joined([2], offer(large), serve(1), rollBack, collect, configure(5, 1, documents[0]!), serve(3)),
    ...pool.slice(4).map((parts) => joined([1], offer(parts), serve(1), serve(8))),
  ];
  for (const seed of installs) {
    if (!run(seed) || watch.record?.slotState(1) !== SlotState.Candidate)
      throw new Error(`a good update of this target is not installed: ${host.lines}`);
  }
  for (const seed of carriesOut)
    if (!run(seed)) throw new Error(`a good command of this target is not carried out: ${host.lines}`);

  return {
    name: "agent-messages",
    instance: device.instance,
    host: device.host,
    inputBytesMax: 16_384,
    share: 0.003,
    seeds,
    dictionary: [
      ...text(
        '"session":"$S"',
        '"accepted":true',
        '"deployment":"d1"',
        '"attempt":1',
        '"pollMs":',
        "FSCH",
        "FSCM",
        "FSIM",
        "FSSG",
      ),
      serve(8),
      time(600),
      prove(),
      withdrawn,
      releaseKey.id,
      operationsKey.id,
    ],
    mutate(draft, random) {
      switch (random.below(8)) {
        case 0:
          draft.bytes[0] = random.below(starts.length);
          draft.length = Math.max(1, draft.length);
          return;
        case 1:
        case 2:
          return shuffleItems(draft, ITEMS_AT, random);
        case 3:
        case 4:
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

  function drawnItem(random: SeededRandom): Uint8Array {
    switch (random.below(9)) {
      case 0:
      case 1: {
        const permit = random.below(3) === 0 ? { permit: random.pick(permits) } : {};
        return offer(random.pick(pool), {
          put: random.pick([0, 0, OFFER_SIGN, OFFER_PERMIT_DIGEST, OFFER_OTHER_SESSION]),
          deployment: random.below(3),
          attempt: random.below(3),
          more: random.pick([0, 0, 0, 1, -1]),
          deadlineMs: random.pick([0, 1000, 600_000, 0xffffffff]),
          ...permit,
        });
      }
      case 2:
      case 3:
        return serve(random.pick([1, 8, 255]), random.pick([255, 255, 0, random.below(8)]));
      case 4:
        return time(random.pick([1, 100, 499, 501, 2001, 16_000, 61_000]));
      case 5: {
        const address = {
          host: random.pick(["", "a", "new.example", "x".repeat(48)]),
          port: random.pick([0, 1, 8883]),
        };
        const put = random.pick([7, 7, 7, 3, 5, 6, 11, 15, 23]);
        const number = random.pick([0, 1, 2, 3, 4, 5, 0xffffffff]);
        const word = random.pick([0, COMMAND_TAKEN, COMMAND_TAKEN, COMMAND_REFUSED]);
        if (random.below(3) === 0)
          return configure(number, random.pick([0, 1, 2, 0xffffffff]), random.pick(documents), word);
        return command(
          {
            number,
            kind: random.pick([1, 2, 2, 3, 4, 6]),
            ...(random.below(3) > 0 ? {} : address),
            seconds: random.pick([undefined, 1, 600]),
            id: hex(Uint8Array.of(random.next())).repeat(16),
          },
          put,
        );
      }
      case 6:
        return item(
          Kind.Chunk,
          random.below(4),
          joined(new Uint8Array(16), random.pick(pool).payload.subarray(0, random.pick([0, 1, 256, 1023, 1024]))),
        );
      case 7:
        return random.below(3) === 0 ? lost() : prove(random.below(4) === 0 ? 1 : 0);
      default:
        return random.pick(loose);
    }
  }

  function changeItem(draft: Draft, random: SeededRandom): void {
    const items = itemsOf(draft, ITEMS_AT);
    if (items.length === 0) return;
    const chosen = random.pick(items);
    const { bytes, at } = chosen;
    switch (chosen.kind % Kind.Count) {
      case Kind.Offer: {
        if (bytes.length < OFFER_FIXED_BYTES) return;
        const headerBytes = Math.min(bytes[11]! | (bytes[12]! << 8), bytes.length - OFFER_FIXED_BYTES);
        if (random.below(3) === 0) draft.bytes[at + 1] = random.below(16);
        else if (random.below(3) === 0) bytes[random.below(OFFER_FIXED_BYTES)]! ^= 1 << random.below(8);
        else if (random.below(2) === 0 && headerBytes >= 16) {
          const field = OFFER_FIXED_BYTES + 8 + 4 * random.below((headerBytes - 8) >> 2);
          write(bytes, field, 4, random.pick([0, 1, 2, 3, 4, 6, 256, 600, 4096, WINDOW_BYTES, 0xffffffff]), true);
        } else
          bytes[OFFER_FIXED_BYTES + random.below(Math.max(1, bytes.length - OFFER_FIXED_BYTES))]! ^=
            1 << random.below(8);
        return;
      }
      case Kind.Command:
        if (random.below(2) === 0) draft.bytes[at + 1] = random.below(256);
        else if (bytes.length > BODY_BYTES + 84 && random.below(3) === 0)
          bytes[BODY_BYTES + 84 + random.below(bytes.length - BODY_BYTES - 84)] = random.pick([0x22, 0x5b, 0x7d, 0xff]);
        else if (bytes.length >= BODY_BYTES + 84) {
          const field = random.pick([8, 40, 56, 72, 76, 78, 80, 84, 116, 136, 138, 140, 144, 152]);
          write(bytes, field, random.pick([1, 2]), random.pick([0, 1, 2, 3, 84, 255]), true);
        }
        return;
      case Kind.Chunk:
        if (random.below(2) === 0) draft.bytes[at + 1] = random.below(4);
        else if (bytes.length > 16)
          bytes[random.below(3) === 0 ? random.below(16) : random.below(bytes.length)]! ^= 1 << random.below(8);
        return;
      case Kind.Serve:
        if (bytes.length >= 2) bytes[random.below(2)] = random.pick([0, 1, 2, 8, 255]);
        return;
      case Kind.Time:
        return replaceItem(draft, chosen, time(random.pick([0, 1, 499, 501, 1999, 2001, 15_001, 59_999, 60_001])));
      case Kind.Raw:
        if (bytes.length > 0)
          bytes[random.below(bytes.length)] = random.pick([0x22, 0x7b, 0x7d, 0x24, 0x5c, 0x30, random.below(256)]);
        return;
      default:
        draft.bytes[at + 1] = random.below(2);
    }
  }
};
