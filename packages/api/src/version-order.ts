// Which of two versions is the later one, as Semantic Versioning 2.0.0 (section 11) orders them, with any number of
// parts.

const pattern = /^v?(\d+(?:\.\d+)*)(?:-([0-9A-Za-z.-]+))?(?:\+[0-9A-Za-z.-]+)?$/;

function compareParts(a: string, b: string): number {
  const [numericA, numericB] = [/^\d+$/.test(a), /^\d+$/.test(b)];
  if (numericA && numericB) {
    const difference = BigInt(a) - BigInt(b);
    return difference < 0n ? -1 : difference > 0n ? 1 : 0;
  }
  if (numericA !== numericB) return numericA ? -1 : 1;
  return a < b ? -1 : a > b ? 1 : 0;
}

function compareLists(a: string[], b: string[], missing: string | undefined): number {
  for (let i = 0; i < Math.max(a.length, b.length); i++) {
    const [one, other] = [a[i] ?? missing, b[i] ?? missing];
    if (one === undefined || other === undefined) return one === undefined ? -1 : 1;
    const order = compareParts(one, other);
    if (order !== 0) return order;
  }
  return 0;
}

/** Below, above or equal to 0; undefined when one of them is no such version, so that their order is not known. */
export function compareVersions(a: string, b: string): number | undefined {
  const [one, other] = [pattern.exec(a), pattern.exec(b)];
  if (one === null || other === null) return undefined;
  const order = compareLists(one[1]!.split("."), other[1]!.split("."), "0");
  if (order !== 0) return order;
  // A pre-release comes before its release.
  if (one[2] === undefined || other[2] === undefined) return one[2] === other[2] ? 0 : one[2] === undefined ? 1 : -1;
  return compareLists(one[2].split("."), other[2].split("."), undefined);
}
