// Do updated devices fail more often than those of the same rollout that are not updated yet? A test that may be looked
// at as often as one likes, and whose error rate holds all the same. Pure. docs/health-gate.md has the mathematics.
//
// Devices are counted, not events: each until its first failure in the rollout, whatever it ran then. At each look the
// number of devices that failed since the last one is taken as given. If the update changes nothing, which of them are
// updated ones is a draw without replacement from all that could have failed; if it makes failures r times as likely,
// they weigh r in that draw (Fisher's noncentral hypergeometric distribution). The likelihood ratio of the two,
// multiplied over all looks, is a martingale under the first; so is its mean over a grid of r, and that exceeds 1/α
// ever with a probability of at most α (Ville's inequality).

/** Of one arm, at one look: devices that had not failed before, and those of them that have now. */
export interface Arm {
  atRisk: number;
  failed: number;
}

export interface Look {
  updated: Arm;
  others: Arm;
}

/** What all looks so far say. */
export interface Evidence {
  /** Natural logarithm of the likelihood ratio, for each of `rateRatios`. */
  logLikelihoodRatios: readonly number[];
  failed: { updated: number; others: number };
  /** The sums of Mantel and Haenszel's estimate of the rate ratio: it compares within looks alone, too. */
  mantelHaenszel: { updated: number; others: number };
}

/** How many times as often updated devices may fail: 1.25 to 20, in steps of a square root of 2. */
export const rateRatios: readonly number[] = Array.from({ length: 9 }, (_, step) => 1.25 * 2 ** (step / 2));

export const noEvidence: Evidence = {
  logLikelihoodRatios: rateRatios.map(() => 0),
  failed: { updated: 0, others: 0 },
  mantelHaenszel: { updated: 0, others: 0 },
};

/** ln Σ exp, without overflow. */
function logSumExp(logs: readonly number[]): number {
  const max = logs.reduce((most, each) => Math.max(most, each), -Infinity);
  return max + Math.log(logs.reduce((sum, each) => sum + Math.exp(each - max), 0));
}

/**
 * Logarithms of how many ways there are to draw so many updated ones, from the fewest that are possible on; less a
 * constant. Each follows from the one before: C(n, y + 1) = C(n, y) · (n - y) / (y + 1).
 */
function logWays({ updated, others }: Look): { fewest: number; logs: number[] } {
  const failed = updated.failed + others.failed;
  const fewest = Math.max(0, failed - others.atRisk);
  const most = Math.min(updated.atRisk, failed);
  const logs = [0];
  for (let y = fewest; y < most; y++) {
    const more = (updated.atRisk - y) * (failed - y);
    const fewer = (y + 1) * (others.atRisk - failed + y + 1);
    logs.push(logs.at(-1)! + Math.log(more / fewer));
  }
  return { fewest, logs };
}

/** With what was seen at one more look. Throws RangeError for more failed devices than were at risk. */
export function withLook(before: Evidence, look: Look): Evidence {
  const { updated, others } = look;
  for (const [name, { atRisk, failed }] of Object.entries(look) as [string, Arm][])
    if (!(failed >= 0 && failed <= atRisk)) throw new RangeError(`${failed} of ${atRisk} ${name} devices failed`);
  const all = updated.atRisk + others.atRisk;
  if (updated.failed + others.failed === 0) return before;
  const { fewest, logs } = logWays(look);
  const logAll = logSumExp(logs);
  const logRatioOf = (ratio: number): number => {
    const weight = Math.log(ratio);
    const logAllWeighed = logSumExp(logs.map((log, index) => log + (fewest + index) * weight));
    return updated.failed * weight + logAll - logAllWeighed;
  };
  return {
    logLikelihoodRatios: before.logLikelihoodRatios.map((sum, index) => sum + logRatioOf(rateRatios[index]!)),
    failed: { updated: before.failed.updated + updated.failed, others: before.failed.others + others.failed },
    mantelHaenszel: {
      updated: before.mantelHaenszel.updated + (updated.failed * others.atRisk) / all,
      others: before.mantelHaenszel.others + (others.failed * updated.atRisk) / all,
    },
  };
}

/** Logarithm of how many times as likely it all is if updated devices fail more often: the mean over the grid. */
export const logOdds = ({ logLikelihoodRatios }: Evidence): number =>
  logSumExp(logLikelihoodRatios) - Math.log(logLikelihoodRatios.length);

/** Updated devices fail so many times as often as others, by all looks; Infinity: of others none did. */
export const estimatedRatio = ({ mantelHaenszel: { updated, others } }: Evidence): number => updated / others;

/** The odds that are needed where so many tests are made, of which none may raise a false alarm: Bonferroni's share. */
export const logOddsNeeded = (errorRate: number, tests: number): number => Math.log(tests / errorRate);
