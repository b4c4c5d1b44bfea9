import { createHash, randomInt } from "node:crypto";

/** Random bytes that a seed replays. */
export interface Random {
  readonly seed: string;
  bytes(length: number): Uint8Array;
  /** 0 ≤ result < limit */
  below(limit: number): number;
}

/** Takes the seed from FLIPSIDE_SEED, else makes one; prints it so that the run can be repeated. */
export function replayableRandom(what: string): Random {
  const seed = process.env.FLIPSIDE_SEED ?? String(randomInt(2 ** 40));
  console.info(`${what}: FLIPSIDE_SEED=${seed}`);
  let block = 0;
  function bytes(length: number): Uint8Array {
    const out = new Uint8Array(length);
    for (let at = 0; at < length; at += 64) {
      const next = createHash("sha512").update(`${what}/${seed}/${block++}`).digest();
      out.set(next.subarray(0, Math.min(64, length - at)), at);
    }
    return out;
  }
  return { seed, bytes, below: (limit) => Buffer.from(bytes(6).buffer).readUIntLE(0, 6) % limit };
}
