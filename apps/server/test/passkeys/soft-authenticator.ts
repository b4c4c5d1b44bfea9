// An authenticator in software (Web Authentication, Level 3, section 6), which can also answer wrongly.

import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign } from "node:crypto";

const sha256 = (data: Uint8Array | string): Buffer => createHash("sha256").update(data).digest();
const text = (said: Uint8Array): string => Buffer.from(said).toString("base64url");

const userPresent = 1;
const hasCredential = 0x40;

/** CBOR (RFC 8949) of what is needed here: a head of a major type, texts, and byte strings. */
const head = (major: number, length: number): Buffer =>
  length < 24
    ? Buffer.of((major << 5) | length)
    : length < 256
      ? Buffer.of((major << 5) | 24, length)
      : Buffer.of((major << 5) | 25, length >> 8, length & 255);
const cborText = (said: string): Buffer => Buffer.concat([head(3, said.length), Buffer.from(said)]);
const cborBytes = (said: Uint8Array): Buffer => Buffer.concat([head(2, said.length), said]);

export interface Prompt {
  challenge: string;
  [member: string]: unknown;
}

export class SoftAuthenticator {
  readonly id = randomBytes(16);
  /** Many stay at 0. */
  counter = 0;
  origin = "https://flipside.example";
  rpId = "flipside.example";
  flags = userPresent;
  readonly #privateKey: KeyObject;
  readonly #publicKey: KeyObject;

  constructor() {
    const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    this.#privateKey = privateKey;
    this.#publicKey = publicKey;
  }

  #clientData(type: string, challenge: string): Buffer {
    return Buffer.from(JSON.stringify({ type, challenge, origin: this.origin, crossOrigin: false }));
  }

  #authenticatorData(flags: number): Buffer {
    const counter = Buffer.alloc(4);
    counter.writeUInt32BE(this.counter);
    return Buffer.concat([sha256(this.rpId), Buffer.of(flags), counter]);
  }

  /** COSE_Key of ES256 (RFC 9053, section 7.1.1): kty 2, alg -7, crv 1, x, y. */
  #coseKey(): Buffer {
    const { x, y } = this.#publicKey.export({ format: "jwk" });
    const [xs, ys] = [x!, y!].map((each) => cborBytes(Buffer.from(each, "base64url"))) as [Buffer, Buffer];
    const fixed = Buffer.of(0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01);
    return Buffer.concat([fixed, Buffer.of(0x21), xs, Buffer.of(0x22), ys]);
  }

  #answer(response: Record<string, unknown>) {
    return { id: text(this.id), rawId: text(this.id), type: "public-key", clientExtensionResults: {}, response };
  }

  /** Of navigator.credentials.create. */
  make({ challenge }: Prompt) {
    const idLength = Buffer.of(0, this.id.length);
    const credential = Buffer.concat([Buffer.alloc(16), idLength, this.id, this.#coseKey()]);
    const data = Buffer.concat([this.#authenticatorData(this.flags | hasCredential), credential]);
    const attestation = Buffer.concat([
      ...[head(5, 3), cborText("fmt"), cborText("none"), cborText("attStmt"), head(5, 0)],
      ...[cborText("authData"), cborBytes(data)],
    ]);
    const clientDataJSON = text(this.#clientData("webauthn.create", challenge));
    return this.#answer({ clientDataJSON, attestationObject: text(attestation), transports: ["usb"] });
  }

  /** Of navigator.credentials.get. */
  sign({ challenge }: Prompt) {
    if (this.counter > 0) this.counter++;
    const data = this.#authenticatorData(this.flags);
    const clientData = this.#clientData("webauthn.get", challenge);
    const signature = sign("sha256", Buffer.concat([data, sha256(clientData)]), this.#privateKey);
    const signed = { authenticatorData: text(data), signature: text(signature) };
    return this.#answer({ clientDataJSON: text(clientData), ...signed });
  }
}
