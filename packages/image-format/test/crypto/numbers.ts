// Ed25519's numbers as BigInt: what the tests compare with.

export const p = 2n ** 255n - 19n;
export const L = 2n ** 252n + 27742317777372353535851937790883648493n;

export function modulo(a: bigint, m: bigint): bigint {
  return ((a % m) + m) % m;
}

export function power(base: bigint, exponent: bigint, m: bigint): bigint {
  let result = 1n;
  for (let b = modulo(base, m), e = exponent; e; e >>= 1n, b = (b * b) % m) if (e & 1n) result = (result * b) % m;
  return result;
}

const d = modulo(-121665n * power(121666n, p - 2n, p), p);

/** Whether a point of the curve has this y: x² = (y² − 1)/(d·y² + 1) is a square. */
export function isOnCurve(y: bigint): boolean {
  const xSquared = modulo((y * y - 1n) * power(d * y * y + 1n, p - 2n, p), p);
  return power(xSquared, (p - 1n) / 2n, p) !== p - 1n;
}

export function fromBytes(bytes: Uint8Array): bigint {
  return bytes.reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);
}

export function toBytes(value: bigint, length = 32): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => Number((value >> BigInt(8 * i)) & 255n));
}
