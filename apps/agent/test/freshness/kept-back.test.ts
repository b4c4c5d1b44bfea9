// The whole agent, with somebody on its way to the server who hands it release states, keeps them back, and hands it
// old ones: what its check-ins say of that.

import { buildReleaseState, signerOf } from "@flipside/image-format";
import { PRODUCT } from "@flipside/machine/factory/targets";
import type { CheckIn } from "@flipside/protocol/messages";
import type { Packet } from "@flipside/protocol/mqtt/packet";
import { readPublish } from "@flipside/protocol/mqtt/read";
import { beforeAll, expect, test } from "vitest";
import type { Workshop } from "../hosts/virtual-image.ts";
import { MeddledDevice, messageOf, publish, realAgent } from "../session/meddled-device.ts";

const DAY_S = 86_400;
const ISSUED_S = 1_800_000_000;

let workshop: Workshop;
let image: Uint8Array;
beforeAll(async () => {
  ({ workshop, image } = await realAgent());
}, 240_000);

const stateOf = async (releaseSequence: number, issuedS = ISSUED_S): Promise<string> => {
  const named = { product: PRODUCT, version: "9.0.0", releaseSequence };
  const times = { issuedS, validUntilS: issuedS + 30 * DAY_S };
  const file = await buildReleaseState({ ...named, ...times }, [signerOf(workshop.keys.release)]);
  return Buffer.from(file).toString("base64url");
};

test("a device says which release it knows to be the newest, and when it is kept from it", async () => {
  let state: string | undefined;
  const toDevice = (packet: Packet): Uint8Array[] => {
    const message = messageOf(packet);
    if (message?.leaf !== "offer" || state === undefined) return [packet.whole];
    const { topic, packetId, qos } = readPublish(packet);
    return [publish(topic, JSON.stringify({ ...message.json, state }), { packetId, qos })];
  };
  const bench = await MeddledDevice.powerOn(workshop, image, { meddler: { toDevice } });
  const known = (): CheckIn["releaseState"] => bench.said("check-in").at(-1)!.json["releaseState"] as never;
  bench.run(20_000);
  expect(known(), "a server that has none").toBeUndefined();

  state = await stateOf(1);
  bench.run(20_000);
  const first = { issued: ISSUED_S, until: ISSUED_S + 30 * DAY_S, sequence: 1 };
  expect(known()).toEqual(first);
  expect(bench.lines(/session proven/)).toHaveLength(1);

  // Only a session's first offer has to bring it.
  state = undefined;
  bench.run(20_000);
  expect(known()).toEqual(first);
  bench.server.hangUp();
  bench.run(20_000);
  expect(known()).toEqual({ ...first, warning: "missing" });

  state = await stateOf(7, ISSUED_S + DAY_S);
  bench.run(20_000);
  const second = { issued: ISSUED_S + DAY_S, until: ISSUED_S + 31 * DAY_S, sequence: 7 };
  expect(known()).toEqual(second);
  state = await stateOf(1);
  bench.run(20_000);
  expect(known()).toEqual({ ...second, warning: "older" });
  state = `${state.slice(0, 140)}${state[140] === "A" ? "B" : "A"}${state.slice(141)}`;
  bench.run(20_000);
  expect(known()).toEqual({ ...second, warning: "invalid" });
});
