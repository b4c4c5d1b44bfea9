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

type Point = readonly [x: bigint, y: bigint];

const squareRootOfMinusOne = power(2n, (p - 1n) / 4n, p);

/** RFC 8032 §5.1.3, for encodings of points of the curve. A y from p on is taken modulo p. */
function decodePoint(bytes: Uint8Array): Point {
  const encoded = fromBytes(bytes);
  const y = modulo(encoded & (2n ** 255n - 1n), p);
  const square = modulo((y * y - 1n) * power(d * y * y + 1n, p - 2n, p), p);
  let x = power(square, (p + 3n) / 8n, p);
  if ((x * x) % p !== square) x = (x * squareRootOfMinusOne) % p;
  if ((x * x) % p !== square) throw new RangeError("no point of the curve has this y");
  return [(x & 1n) === encoded >> 255n ? x : modulo(-x, p), y];
}

/** RFC 8032 §5.1.4's group, in affine coordinates: slow, and short enough to be seen to be right. */
function addPoints([x1, y1]: Point, [x2, y2]: Point): Point {
  const product = modulo(d * x1 * x2 * y1 * y2, p);
  return [
    modulo((x1 * y2 + x2 * y1) * power(1n + product, p - 2n, p), p),
    modulo((y1 * y2 + x1 * x2) * power(1n - product, p - 2n, p), p),
  ];
}

function multiplyPoint(scalar: bigint, point: Point): Point {
  let sum: Point = [0n, 1n];
  for (let rest = scalar, double = point; rest; rest >>= 1n, double = addPoints(double, double))
    if (rest & 1n) sum = addPoints(sum, double);
  return sum;
}

const basePoint = decodePoint(Uint8Array.from([0x58, ...new Array<number>(31).fill(0x66)]));

/**
 * [S]B = R + [k]A, for k as SHA-512 of R, A and the message gives it: the equation alone (RFC 8032 §5.1.7), without any
 * check of its parts.
 */
export function satisfiesEquation(publicKey: Uint8Array, signature: Uint8Array, k: bigint): boolean {
  const left = multiplyPoint(fromBytes(signature.subarray(32)), basePoint);
  const right = addPoints(decodePoint(signature.subarray(0, 32)), multiplyPoint(k, decodePoint(publicKey)));
  return left[0] === right[0] && left[1] === right[1];
}
