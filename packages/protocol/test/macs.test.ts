// MACs of the protocol, against HMAC-SHA256 over the text that docs/protocol.md writes out.

import { createHmac } from "node:crypto";
import { contactMac, enrolDeviceMac, enrolledSecret, enrolServerMac } from "@flipside/protocol/macs";
import { expect, it } from "vitest";

const secret = Uint8Array.from({ length: 32 }, (_, i) => i);
const over = (text: string): Buffer => createHmac("sha256", secret).update(text).digest();
const enrolment = { deviceId: "dev-1", nonce: "n", serverNonce: "s", publicKey: "k" };

it("cover label and fields, each field after one line feed, in the document's order", () => {
  expect(enrolServerMac(secret, enrolment)).toEqual(over("flipside-enrol-server-v1\ndev-1\nn\ns"));
  expect(enrolDeviceMac(secret, enrolment)).toEqual(over("flipside-enrol-device-v1\ndev-1\nn\ns\nk"));
  expect(enrolledSecret(secret, enrolment)).toEqual(over("flipside-enrol-secret-v1\ndev-1\nn\ns\nk"));
  const session = { deviceId: "dev-1", session: "i", deviceNonce: "d" };
  expect(contactMac(secret, session)).toEqual(over("flipside-contact-v1\ndev-1\ni\nd"));
});
