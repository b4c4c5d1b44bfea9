// X25519 and ChaCha20-Poly1305 cases made by others, for every place that runs them: the .wasm on Node, and the device.

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { missingVectors } from "./signature-cases.ts";

export interface AgreementCase {
  /** Source and number, for messages. */
  readonly name: string;
  readonly secret: Uint8Array;
  readonly peer: Uint8Array;
  /** All zero where the peer's point has a small order: x25519 then says false. */
  readonly shared: Uint8Array;
}

export interface SealedCase {
  readonly name: string;
  readonly key: Uint8Array;
  readonly nonce: Uint8Array;
  readonly aad: Uint8Array;
  readonly message: Uint8Array;
  readonly sealed: Uint8Array;
  readonly tag: Uint8Array;
  readonly expectedValid: boolean;
}

export function hex(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text.replaceAll(/\s/g, ""), "hex"));
}

/** All cases of one of Wycheproof's files; none where it is not here. */
function wycheproof(name: string): (Record<string, string> & { tcId: number })[] {
  if (missingVectors()) return [];
  const file = fileURLToPath(new URL(`../../../../../shared/vectors/wycheproof-${name}.json`, import.meta.url));
  const { testGroups } = JSON.parse(readFileSync(file, "utf8"));
  return testGroups.flatMap((group: { tests: unknown[] }) => group.tests);
}

/** RFC 7748 §5.2 and §6.1, always; Wycheproof's where they are here. */
export function agreementCases(): AgreementCase[] {
  const published = [
    [
      "§5.2, first",
      "a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4",
      "e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c",
      "c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552",
    ],
    [
      "§5.2, second",
      "4b66e9d4d1b4673c5ad22691957d6af5c11b6421e0ea01d42ca4169e7918ba0d",
      "e5210f12786811d3f4b7959d0538ae2c31dbe7106fc03c3efc4cd549c715a493",
      "95cbde9476e8907d7aade45cb4b873f88b595a68799fa152e6f8f7647aac7957",
    ],
    [
      "§6.1",
      "77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a",
      "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f",
      "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742",
    ],
  ].map(([name, secret, peer, shared]) => ({
    name: `RFC 7748 ${name}`,
    secret: hex(secret!),
    peer: hex(peer!),
    shared: hex(shared!),
  }));
  const others = wycheproof("x25519").map((test) => ({
    name: `Wycheproof ${test.tcId} ${test["comment"]}`,
    secret: hex(test["private"]!),
    peer: hex(test["public"]!),
    shared: hex(test["shared"]!),
  }));
  return [...published, ...others];
}

/** RFC 8439 §2.8.2, always; Wycheproof's where they are here, but for those whose nonce has not 12 bytes. */
export function sealedCases(): SealedCase[] {
  const published = {
    name: "RFC 8439 §2.8.2",
    key: Uint8Array.from({ length: 32 }, (_, i) => 0x80 + i),
    nonce: hex("070000004041424344454647"),
    aad: hex("50515253c0c1c2c3c4c5c6c7"),
    message: new TextEncoder().encode(
      "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen would be it.",
    ),
    sealed: hex(`d31a8d34648e60db7b86afbc53ef7ec2 a4aded51296e08fea9e2b5a736ee62d6 3dbea45e8ca9671282fafb69da92728b
      1a71de0a9e060b2905d6a5b67ecd3b36 92ddbd7f2d778b8c9803aee328091b58 fab324e4fad675945585808b4831d7bc
      3ff4def08e4b7a9de576d26586cec64b 6116`),
    tag: hex("1ae10b594f09e26a7e902ecbd0600691"),
    expectedValid: true,
  };
  const others = wycheproof("chacha20-poly1305").map((test) => ({
    name: `Wycheproof ${test.tcId} ${test["comment"]}`,
    key: hex(test["key"]!),
    nonce: hex(test["iv"]!),
    aad: hex(test["aad"]!),
    message: hex(test["msg"]!),
    sealed: hex(test["ct"]!),
    tag: hex(test["tag"]!),
    expectedValid: test["result"] === "valid",
  }));
  return [published, ...others.filter((c) => c.nonce.length === 12)];
}
