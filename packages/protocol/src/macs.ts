// MACs of the protocol (docs/protocol.md, "Enrolment" and "Session"): HMAC-SHA256 over a label and fields, each field
// after one line feed. Fields are texts as the messages have them.

import { hmacSha256 } from "#primitives";
import {
  MAC_CONTACT,
  MAC_ENROL_DEVICE,
  MAC_ENROL_SECRET,
  MAC_ENROL_SERVER,
  MAC_TLS_ENROL_KEY,
  MAC_TLS_KEY,
  MAC_TLS_PASSWORD,
} from "@flipside/image-format/portable/mac-labels";

/** What a server has told a device that wants to enrol, and was told. */
export interface EnrolmentBegin {
  deviceId: string;
  /** The device's. */
  nonce: string;
  serverNonce: string;
}

export interface EnrolmentProof extends EnrolmentBegin {
  publicKey: string;
}

/** Of a session's proof. */
export interface SessionProof {
  deviceId: string;
  session: string;
  deviceNonce: string;
}

/** The server's in step 1: it knows the claim. */
export function enrolServerMac(claimSecret: Uint8Array, { deviceId, nonce, serverNonce }: EnrolmentBegin): Uint8Array {
  return macOver(claimSecret, MAC_ENROL_SERVER, deviceId, nonce, serverNonce);
}

/** The device's in step 2: it knows the claim, and this is its key. */
export function enrolDeviceMac(claimSecret: Uint8Array, proof: EnrolmentProof): Uint8Array {
  const { deviceId, nonce, serverNonce, publicKey } = proof;
  return macOver(claimSecret, MAC_ENROL_DEVICE, deviceId, nonce, serverNonce, publicKey);
}

/** The device secret that both sides have at the end. */
export function enrolledSecret(claimSecret: Uint8Array, proof: EnrolmentProof): Uint8Array {
  const { deviceId, nonce, serverNonce, publicKey } = proof;
  return macOver(claimSecret, MAC_ENROL_SECRET, deviceId, nonce, serverNonce, publicKey);
}

/** The server's in a session: it knows the device secret. A device has contact when this holds. */
export function contactMac(deviceSecret: Uint8Array, { deviceId, session, deviceNonce }: SessionProof): Uint8Array {
  return macOver(deviceSecret, MAC_CONTACT, deviceId, session, deviceNonce);
}

/** The pre-shared key of TLS by which a device and its server know each other. */
export function tlsKey(deviceSecret: Uint8Array, deviceId: string): Uint8Array {
  return macOver(deviceSecret, MAC_TLS_KEY, deviceId);
}

/** The same of a device that wants to enrol. */
export function tlsEnrolKey(claimSecret: Uint8Array, deviceId: string): Uint8Array {
  return macOver(claimSecret, MAC_TLS_ENROL_KEY, deviceId);
}

/**
 * The MQTT password by which a device shows, on a channel by `tlsKey`, its secret. `exported`: of the channel, in
 * base64url.
 */
export function tlsPassword(deviceSecret: Uint8Array, deviceId: string, exported: string): Uint8Array {
  return macOver(deviceSecret, MAC_TLS_PASSWORD, deviceId, exported);
}

function macOver(secret: Uint8Array, ...labelAndFields: string[]): Uint8Array {
  return hmacSha256(secret, labelAndFields.join("\n"));
}
