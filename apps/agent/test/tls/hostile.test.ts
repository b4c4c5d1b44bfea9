// What a server, or whoever stands between, may say that is not TLS 1.3, or not now: the client ends the connection by
// the alert that RFC 8446 names, trusts nothing of it, and stays within its memory. A script for each state.

import { beforeAll, describe, expect, it, test } from "vitest";
import { compileModule } from "../text/assembly-module.ts";
import { Random } from "../text/random.ts";
import { type Certificate, selfSigned } from "./certificates.ts";
import {
  ContentType,
  extension,
  message,
  MessageType,
  record,
  recordsIn,
  sized16,
  sized24,
  sized8,
  type TlsPeer,
  u16,
  u8,
} from "./peer.ts";
import { type Change, pinnedSteps, pskSteps, ScriptedHandshake, type Step } from "./scripted-handshake.ts";
import { CLOSED, CLOSED_STATE, EXPORTER_LABEL } from "./tls-device.ts";

const key = Buffer.alloc(32, 5);
const Alert = {
  ...{ closeNotify: 0, unexpectedMessage: 10, badRecordMac: 20, recordOverflow: 22, handshakeFailure: 40 },
  ...{ badCertificate: 42, illegalParameter: 47, decodeError: 50, decryptError: 51, protocolVersion: 70 },
  ...{ missingExtension: 109, unsupportedExtension: 110 },
} as const;

let module: WebAssembly.Module;
let certificates: Record<"ed25519" | "otherEd25519" | "p256", Certificate>;
beforeAll(() => {
  module = compileModule("tls", "hostile");
  certificates = { ed25519: selfSigned("ed25519"), otherEd25519: selfSigned("ed25519"), p256: selfSigned("p256") };
});

const psk = (): ScriptedHandshake => new ScriptedHandshake(module, { key }).begin();
function pinned(): ScriptedHandshake {
  const { rawKey, ...certificate } = certificates.ed25519;
  return new ScriptedHandshake(module, { key: rawKey, certificate }).begin();
}

/** The handshake ended by this alert of the client's, and the server was told so. */
function expectRefused(handshake: ScriptedHandshake, alert: number, note?: string): void {
  expect(handshake.device.failure, note).toEqual({ alert, isPeers: false });
  expect(handshake.device.state, note).toBe(CLOSED_STATE);
  expect(handshake.device.read(), note).toBe(CLOSED);
  expect(handshake.device.write("x"), note).toBe(CLOSED);
  const said = handshake.said();
  expect(said.at(-1), note).toEqual({ type: ContentType.alert, content: Buffer.from([2, alert]) });
  expect(handshake.device.guest.call.established(), note).toBe(0);
}

describe("a handshake that is right", () => {
  it.each([
    ["by a pre-shared key", psk, pskSteps],
    ["by a pinned key", pinned, pinnedSteps],
    [
      "by a pinned key, with a certificate asked for",
      pinned,
      ["serverHello", "encryptedExtensions", "certificateRequest", ...pinnedSteps.slice(2)] as Step[],
    ],
  ])("%s: both sides have the same keys, and what is sent comes through", (_name, begin, steps) => {
    const handshake = begin();
    const { peer, device } = handshake;
    if (steps === pskSteps) expect(peer.binderIsRight).toBe(true);
    handshake.run(steps);
    expect(handshake.isOpen).toBe(true);
    const flight = Buffer.concat(handshake.said().map(({ content }) => content));
    const asked = steps.includes("certificateRequest");
    const empty = asked ? message(MessageType.certificate, Buffer.from([0, 0, 0, 0])) : Buffer.alloc(0);
    peer.note(empty);
    expect(flight).toEqual(Buffer.concat([empty, peer.expectedFinished()]));
    peer.readTraffic();
    expect(device.exported).toEqual(peer.export(EXPORTER_LABEL));
    handshake.give(peer.writing.seal(ContentType.applicationData, Buffer.from("offer"), 7));
    expect(device.read()).toEqual(Buffer.from("offer"));
    expect(device.write("report")).toBe(6);
    expect(handshake.said()).toEqual([{ type: ContentType.applicationData, content: Buffer.from("report") }]);
    device.close();
    expect(handshake.said()).toEqual([{ type: ContentType.alert, content: Buffer.from([1, 0]) }]);
  });

  it("offers one suite, one group, one way, and nothing else", () => {
    const { hello } = psk().peer;
    expect(hello.suites).toEqual([0x1303]);
    expect([...hello.extensions.keys()]).toEqual([43, 10, 51, 1, 45, 41]);
    expect(hello.extensions.get(45)).toEqual(Buffer.from([1, 1]));
    expect([...pinned().peer.hello.extensions.keys()]).toEqual([43, 10, 51, 1, 13]);
  });

  it("comes byte by byte, and in records of one byte", () => {
    const bytewise = psk();
    for (const step of pskSteps) bytewise.give(bytewise.wrap(step, bytewise.make(step)), 1);
    expect(bytewise.isOpen).toBe(true);

    const crumbs = psk();
    for (const step of pskSteps) {
      const made = crumbs.make(step);
      for (const byte of made)
        crumbs.give(step === "serverHello" ? record(ContentType.handshake, u8(byte)) : crumbs.wrap(step, u8(byte)));
    }
    expect(crumbs.isOpen).toBe(true);
  });

  it("has all of the server's messages behind ServerHello in one record", () => {
    const handshake = pinned();
    handshake.give(handshake.wrap("serverHello", handshake.make("serverHello")));
    const rest = pinnedSteps.slice(1).map((step) => handshake.make(step));
    handshake.give(handshake.wrap("finished", Buffer.concat(rest)));
    expect(handshake.isOpen).toBe(true);
  });

  it("leaves out middleboxes' ChangeCipherSpec, until it is over", () => {
    const handshake = psk();
    const change = record(ContentType.changeCipherSpec, u8(1));
    handshake.give(change);
    handshake.run(pskSteps, (_step, made) => (handshake.give(change), made));
    expect(handshake.isOpen).toBe(true);
    handshake.give(change);
    expect(handshake.device.state).toBe(CLOSED_STATE);
  });
});

/** Each names the step that it changes, and how the connection has to end. */
const wrongHellos: [string, number, (peer: TlsPeer) => Buffer][] = [
  ["wants another ClientHello", Alert.handshakeFailure, (peer) => peer.serverHello(undefined, retryRandom)],
  ["has no version", Alert.protocolVersion, (peer) => peer.serverHello(peer.serverHelloExtensions().slice(1))],
  [
    "chooses TLS 1.2 by extension",
    Alert.illegalParameter,
    (peer) => peer.serverHello([extension(43, u16(0x0303)), ...peer.serverHelloExtensions().slice(1)]),
  ],
  ["has no key share", Alert.missingExtension, (peer) => peer.serverHello(without(peer, 51))],
  ["does not take the key", Alert.handshakeFailure, (peer) => peer.serverHello(without(peer, 41))],
  [
    "takes an identity that was not offered",
    Alert.illegalParameter,
    (peer) => peer.serverHello([...without(peer, 41), extension(41, u16(1))]),
  ],
  [
    "has an extension twice",
    Alert.illegalParameter,
    (peer) => peer.serverHello([...peer.serverHelloExtensions(), extension(43, u16(0x0304))]),
  ],
  [
    "has an extension that nobody asked for",
    Alert.unsupportedExtension,
    (peer) => peer.serverHello([...peer.serverHelloExtensions(), extension(16, Buffer.alloc(4))]),
  ],
  [
    "shares a key of another group",
    Alert.illegalParameter,
    (peer) =>
      peer.serverHello([...without(peer, 51), extension(51, Buffer.concat([u16(23), sized16(Buffer.alloc(32, 1))]))]),
  ],
  [
    "shares a key of small order",
    Alert.illegalParameter,
    (peer) =>
      peer.serverHello([...without(peer, 51), extension(51, Buffer.concat([u16(29), sized16(Buffer.alloc(32))]))]),
  ],
  [
    "shares a key that is too short",
    Alert.illegalParameter,
    (peer) =>
      peer.serverHello([...without(peer, 51), extension(51, Buffer.concat([u16(29), sized16(Buffer.alloc(31))]))]),
  ],
  ["echoes a session id", Alert.illegalParameter, (peer) => patched(peer.serverHello(), 4 + 34, 32)],
  ["chooses another suite", Alert.illegalParameter, (peer) => patched(peer.serverHello(), 4 + 36, 1)],
  ["chooses to compress", Alert.illegalParameter, (peer) => patched(peer.serverHello(), 4 + 37, 1)],
  ["is of TLS 1.1", Alert.protocolVersion, (peer) => patched(peer.serverHello(), 5, 2)],
];
const retryRandom = Buffer.from("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c", "hex");

function patched(bytes: Buffer, at: number, value: number): Buffer {
  const copy = Buffer.from(bytes);
  copy[at] = value;
  return copy;
}

const without = (peer: TlsPeer, type: number): Buffer[] =>
  peer.serverHelloExtensions().filter((each) => each.readUInt16BE(0) !== type);

describe("a ServerHello that", () => {
  it.each(wrongHellos)("%s is refused", (_name, alert, make) => {
    const handshake = psk();
    handshake.give(record(ContentType.handshake, make(handshake.peer)));
    expectRefused(handshake, alert);
  });

  it("is answered by a plain alert says why, once", () => {
    const handshake = psk();
    handshake.give(record(ContentType.alert, Buffer.from([2, 40])));
    expect(handshake.device.failure).toEqual({ alert: 40, isPeers: true });
    expect(handshake.device.state).toBe(CLOSED_STATE);
  });
});

describe("the rest of a handshake", () => {
  const seal = (handshake: ScriptedHandshake, made: Buffer): void =>
    handshake.give(handshake.peer.writing.seal(ContentType.handshake, made));
  const upTo = (handshake: ScriptedHandshake, last: Step, steps: readonly Step[]): ScriptedHandshake => {
    for (const step of steps.slice(0, steps.indexOf(last))) handshake.give(handshake.wrap(step, handshake.make(step)));
    return handshake;
  };

  it("by the wrong key can't be read", () => {
    const handshake = new ScriptedHandshake(module, { key, clientKey: Buffer.alloc(32, 6) }).begin();
    expect(handshake.peer.binderIsRight).toBe(false);
    handshake.give(handshake.wrap("serverHello", handshake.make("serverHello")));
    handshake.give(handshake.wrap("encryptedExtensions", handshake.make("encryptedExtensions")));
    expect(handshake.device.failure).toEqual({ alert: Alert.badRecordMac, isPeers: false });
  });

  it.each([
    ["what was not asked for", Alert.unsupportedExtension, [extension(16, Buffer.alloc(0))]],
    ["another length of fragments", Alert.illegalParameter, [extension(1, u8(3))]],
    ["two lengths of fragments", Alert.illegalParameter, [extension(1, u8(4)), extension(1, u8(4))]],
    ["a length of fragments in two bytes", Alert.decodeError, [extension(1, u16(4))]],
  ])("EncryptedExtensions with %s", (_name, alert, extensions) => {
    const handshake = upTo(psk(), "encryptedExtensions", pskSteps);
    seal(handshake, handshake.peer.encryptedExtensions(...extensions));
    expectRefused(handshake, alert);
  });

  it("takes fragments of 4,096 bytes and the groups that a server would rather have", () => {
    const handshake = upTo(psk(), "encryptedExtensions", pskSteps);
    const made = handshake.peer.encryptedExtensions(extension(1, u8(4)), extension(10, sized16(u16(29))));
    seal(handshake, handshake.peer.note(made));
    seal(handshake, handshake.make("finished"));
    expect(handshake.isOpen).toBe(true);
  });

  it("Finished with a bit changed", () => {
    for (const bit of [0, 100, 255]) {
      const handshake = upTo(psk(), "finished", pskSteps);
      const made = handshake.make("finished");
      made[4 + (bit >> 3)]! ^= 1 << (bit & 7);
      seal(handshake, made);
      expectRefused(handshake, Alert.decryptError);
    }
  });

  it("a certificate of another key, of a key of another kind, or none", () => {
    const cases: [number, (handshake: ScriptedHandshake) => Buffer][] = [
      [Alert.badCertificate, ({ peer }) => peer.certificate(certificates.otherEd25519.der)],
      [Alert.badCertificate, ({ peer }) => peer.certificate(certificates.p256.der)],
      [Alert.badCertificate, ({ peer }) => peer.certificate(Buffer.from("no certificate"))],
      [Alert.decodeError, () => message(MessageType.certificate, Buffer.concat([u8(0), sized24(Buffer.alloc(0))]))],
      [Alert.decodeError, () => message(MessageType.certificate, Buffer.concat([sized8(u8(1)), sized24(u8(1))]))],
      [Alert.unsupportedExtension, ({ peer }) => peer.certificate(undefined, extension(5, u8(1)))],
    ];
    for (const [alert, make] of cases) {
      const handshake = upTo(pinned(), "certificate", pinnedSteps);
      seal(handshake, make(handshake));
      expectRefused(handshake, alert);
    }
  });

  it("a certificate of the pinned key whose key did not sign, or signed something else", () => {
    const { key: other } = certificates.otherEd25519;
    const cases: [number, (peer: TlsPeer) => Buffer][] = [
      [Alert.decryptError, (peer) => peer.certificateVerify(other)],
      [Alert.decryptError, (peer) => peer.certificateVerify(undefined, "TLS 1.3, client CertificateVerify")],
      [Alert.illegalParameter, (peer) => patched(peer.certificateVerify(), 5, 0x04)],
      [Alert.decodeError, (peer) => message(MessageType.certificateVerify, peer.certificateVerify().subarray(4, -1))],
    ];
    for (const [alert, make] of cases) {
      const handshake = upTo(pinned(), "certificateVerify", pinnedSteps);
      seal(handshake, make(handshake.peer));
      expectRefused(handshake, alert);
    }
  });

  it("a certificate with each byte of its DER changed is the pinned key's, or refused", () => {
    const { der } = certificates.ed25519;
    const keyAt = der.indexOf(certificates.ed25519.rawKey);
    for (let at = 0; at < der.length; at++) {
      const handshake = upTo(pinned(), "certificate", pinnedSteps);
      const changed = Buffer.from(der);
      changed[at]! ^= 0x41;
      seal(handshake, handshake.peer.certificate(changed));
      const alert = handshake.device.failure?.alert;
      if (at >= keyAt && at < keyAt + 32) expect(alert, `byte ${at}`).toBe(Alert.badCertificate);
      else expect([undefined, Alert.badCertificate], `byte ${at}`).toContain(alert);
    }
  });

  it("each message out of its order, twice, or left out", () => {
    for (const [begin, steps] of [
      [psk, pskSteps],
      [pinned, pinnedSteps],
    ] as const) {
      for (let at = 0; at < steps.length; at++) {
        for (let said = 0; said < steps.length; said++) {
          if (said === at) continue;
          const handshake = upTo(begin(), steps[at]!, steps);
          // What is said instead is made at its own place in a handshake of its own, where it is right.
          const other = upTo(begin(), steps[said]!, steps);
          const made = other.make(steps[said]!);
          handshake.give(at === 0 ? record(ContentType.handshake, made) : handshake.wrap(steps[at]!, made));
          expectRefused(handshake, Alert.unexpectedMessage, `${steps[said]} for ${steps[at]}`);
        }
      }
    }
  });

  it("every other kind of message in every state", () => {
    const kinds = [0, 1, 3, 5, 6, 7, 12, 14, 16, 21, 22, 24, 67, 254, 255];
    for (const step of pinnedSteps) {
      for (const type of step === "serverHello" ? kinds : [...kinds, MessageType.newSessionTicket]) {
        const handshake = upTo(pinned(), step, pinnedSteps);
        const made = message(type, Buffer.alloc(8));
        handshake.give(step === "serverHello" ? record(ContentType.handshake, made) : handshake.wrap(step, made));
        expectRefused(handshake, Alert.unexpectedMessage, `type ${type} for ${step}`);
      }
    }
  });

  it("each message cut short at each byte, and the length in it made to fit, is refused", () => {
    for (const step of pinnedSteps) {
      const whole = upTo(pinned(), step, pinnedSteps).make(step).length;
      const places = Array.from({ length: whole - 4 }, (_, i) => i).filter((i) => i < 60 || i % 16 === 0);
      for (const length of places) {
        const handshake = upTo(pinned(), step, pinnedSteps);
        const made = handshake.make(step);
        const cut = message(made[0]!, made.subarray(4, 4 + length));
        handshake.give(step === "serverHello" ? record(ContentType.handshake, cut) : handshake.wrap("finished", cut));
        expect(handshake.device.failure?.isPeers, `${step}, ${length} bytes`).toBe(false);
        expect(handshake.device.guest.call.established()).toBe(0);
      }
    }
  });

  it("a message that goes on behind a change of keys", () => {
    const handshake = psk();
    const hello = handshake.make("serverHello");
    handshake.give(record(ContentType.handshake, Buffer.concat([hello, handshake.peer.encryptedExtensions()])));
    expect(handshake.device.failure).toEqual({ alert: Alert.unexpectedMessage, isPeers: false });

    const late = upTo(psk(), "finished", pskSteps);
    seal(late, Buffer.concat([late.make("finished"), message(MessageType.newSessionTicket, Buffer.alloc(20))]));
    expect(late.device.failure).toEqual({ alert: Alert.unexpectedMessage, isPeers: false });
  });

  it("application data, an alert or ChangeCipherSpec between the parts of a message", () => {
    for (const between of [
      (peer: TlsPeer) => peer.writing.seal(ContentType.applicationData, Buffer.from("early")),
      (peer: TlsPeer) => peer.writing.seal(ContentType.alert, Buffer.from([1, 0])),
      () => record(ContentType.changeCipherSpec, u8(1)),
    ]) {
      const handshake = upTo(psk(), "encryptedExtensions", pskSteps);
      seal(handshake, handshake.make("encryptedExtensions").subarray(0, 3));
      handshake.give(between(handshake.peer));
      expectRefused(handshake, Alert.unexpectedMessage);
    }
  });

  it("application data before the end", () => {
    const handshake = upTo(psk(), "finished", pskSteps);
    handshake.give(handshake.peer.writing.seal(ContentType.applicationData, Buffer.from("early")));
    expectRefused(handshake, Alert.unexpectedMessage);
  });

  it("messages in clear once there are keys", () => {
    const handshake = upTo(psk(), "encryptedExtensions", pskSteps);
    handshake.give(record(ContentType.handshake, handshake.make("encryptedExtensions")));
    expectRefused(handshake, Alert.unexpectedMessage);
    const alert = upTo(psk(), "encryptedExtensions", pskSteps);
    alert.give(record(ContentType.alert, Buffer.from([2, 40])));
    expectRefused(alert, Alert.unexpectedMessage);
  });

  it("a message longer than there is room for", () => {
    const handshake = upTo(pinned(), "certificate", pinnedSteps);
    seal(handshake, message(MessageType.certificate, Buffer.alloc(4000)));
    expectRefused(handshake, Alert.handshakeFailure);
    const claimed = upTo(psk(), "encryptedExtensions", pskSteps);
    seal(claimed, Buffer.concat([u8(8), Buffer.from([255, 255, 255])]));
    expectRefused(claimed, Alert.handshakeFailure);
  });
});

describe("records", () => {
  it.each([
    ["of a type that is none", Alert.unexpectedMessage, Buffer.from([19, 3, 3, 0, 1, 0])],
    ["of a type that is none, above", Alert.unexpectedMessage, Buffer.from([24, 3, 3, 0, 1, 0])],
    ["of HTTP", Alert.unexpectedMessage, Buffer.from("HTTP/1.1 400 Bad Request\r\n\r\n")],
    ["of no bytes", Alert.decodeError, Buffer.from([22, 3, 3, 0, 0])],
    ["of 65,535 bytes", Alert.recordOverflow, Buffer.from([22, 3, 3, 255, 255])],
    ["of one byte more than there may be", Alert.recordOverflow, Buffer.from([22, 3, 3, ...u16(4096 + 257)])],
    ["in clear of more than a fragment", Alert.recordOverflow, record(22, Buffer.alloc(4097))],
    ["of application data before ServerHello", Alert.unexpectedMessage, record(23, Buffer.alloc(40))],
    ["of ChangeCipherSpec with another byte", Alert.unexpectedMessage, record(20, u8(2))],
    ["of ChangeCipherSpec with two bytes", Alert.unexpectedMessage, record(20, u16(0x0101))],
    ["of an alert with one byte", Alert.decodeError, record(21, u8(2))],
  ])("%s", (_name, alert, bytes) => {
    const handshake = psk();
    handshake.give(bytes);
    expectRefused(handshake, alert);
  });

  const open = (): ScriptedHandshake => {
    const handshake = psk().run(pskSteps);
    expect(handshake.isOpen).toBe(true);
    handshake.peer.note(handshake.peer.expectedFinished());
    handshake.said();
    handshake.peer.readTraffic();
    return handshake;
  };
  const traffic = (handshake: ScriptedHandshake, type: number, content: Uint8Array, padding = 0): void =>
    handshake.give(handshake.peer.writing.seal(type, content, padding));
  function expectEnded(handshake: ScriptedHandshake, alert: number): void {
    expect(handshake.device.state).toBe(CLOSED_STATE);
    expect(handshake.said().at(-1)).toEqual({ type: ContentType.alert, content: Buffer.from([2, alert]) });
    expect(handshake.device.failure).toBeUndefined();
  }

  it("of 4,096 bytes come through, with padding, and none longer", () => {
    const handshake = open();
    const content = Buffer.alloc(4096, "abc");
    traffic(handshake, ContentType.applicationData, content, 239);
    expect(handshake.device.read(1000)).toEqual(content.subarray(0, 1000));
    expect(handshake.device.read()).toEqual(content.subarray(1000));
    traffic(handshake, ContentType.applicationData, Buffer.alloc(4097));
    expectEnded(handshake, Alert.recordOverflow);
  });

  it("of nothing but padding, or with no content where there has to be some", () => {
    for (const type of [0, ContentType.handshake, ContentType.alert]) {
      const handshake = open();
      traffic(handshake, type, Buffer.alloc(0), 20);
      expect(handshake.device.state, `type ${type}`).toBe(CLOSED_STATE);
    }
    const handshake = open();
    for (let i = 0; i < 20; i++) traffic(handshake, ContentType.applicationData, Buffer.alloc(0));
    traffic(handshake, ContentType.applicationData, Buffer.from("after empty ones"));
    expect(handshake.device.read()).toEqual(Buffer.from("after empty ones"));
  });

  it("that are said again, left out or changed end the connection", () => {
    const random = new Random("tls traffic");
    for (let i = 0; i < 60; i++) {
      const handshake = open();
      const sealed = [0, 1, 2].map((n) => handshake.peer.writing.seal(23, Buffer.from(`message ${n}`)));
      const kind = i % 3;
      if (kind === 0) handshake.give(Buffer.concat([sealed[0]!, sealed[0]!]));
      else if (kind === 1) handshake.give(sealed[1]!);
      else {
        const at = 5 + random.below(sealed[0]!.length - 5);
        handshake.give(patched(sealed[0]!, at, sealed[0]![at]! ^ (1 << random.below(8))));
      }
      if (kind === 0) expect(handshake.device.read()).toEqual(Buffer.from("message 0"));
      handshake.poll();
      expect(handshake.device.read(), `seed ${random.seed}`).toBe(CLOSED);
      expectEnded(handshake, Alert.badRecordMac);
    }
  });

  it("with new keys: they are taken, answered when that is wanted, and nothing else is", () => {
    const handshake = open();
    const { peer, device } = handshake;
    for (const wanted of [0, 1, 1, 0]) {
      traffic(handshake, ContentType.handshake, message(MessageType.keyUpdate, u8(wanted)));
      peer.writing.update();
      traffic(handshake, ContentType.applicationData, Buffer.from("new keys"));
      expect(device.read()).toEqual(Buffer.from("new keys"));
      handshake.poll();
      if (wanted === 0) continue;
      expect(handshake.said()).toEqual([
        { type: ContentType.handshake, content: message(MessageType.keyUpdate, u8(0)) },
      ]);
      peer.reading.update();
      expect(device.write("mine, too")).toBe(9);
      expect(handshake.said()).toEqual([{ type: 23, content: Buffer.from("mine, too") }]);
    }
    traffic(handshake, ContentType.handshake, message(MessageType.keyUpdate, u8(2)));
    expectEnded(handshake, Alert.illegalParameter);
  });

  it("with a second handshake, or a certificate asked for afterwards", () => {
    for (const made of [
      message(MessageType.clientHello, Buffer.alloc(40)),
      message(MessageType.finished, Buffer.alloc(32)),
      message(MessageType.certificateRequest, Buffer.alloc(8)),
    ]) {
      const handshake = open();
      traffic(handshake, ContentType.handshake, made);
      expectEnded(handshake, Alert.unexpectedMessage);
    }
    const handshake = open();
    traffic(handshake, ContentType.handshake, message(MessageType.newSessionTicket, Buffer.alloc(200)));
    traffic(handshake, ContentType.applicationData, Buffer.from("tickets are left alone"));
    expect(handshake.device.read()).toEqual(Buffer.from("tickets are left alone"));
  });

  it("what came before close_notify, or the end of the stream, is read", () => {
    for (const end of ["close_notify", "the stream's end"]) {
      const handshake = open();
      const { peer } = handshake;
      const last = peer.writing.seal(23, Buffer.from("the last word"));
      if (end === "close_notify") handshake.give(Buffer.concat([last, peer.writing.seal(21, Buffer.from([1, 0]))]));
      else {
        handshake.streams.incoming.push(last);
        handshake.streams.shut();
      }
      expect(handshake.device.read(), end).toEqual(Buffer.from("the last word"));
      expect(handshake.device.read(), end).toBe(CLOSED);
      expect(handshake.device.write("x"), end).toBe(CLOSED);
    }
  });

  it("that go out are told as taken when the stream has all of them, however few bytes it takes at a time", () => {
    const handshake = open();
    const { device, streams, peer } = handshake;
    const data = Buffer.alloc(5000, "0123456789");
    const written: Buffer[] = [];
    let at = 0;
    streams.writeMax = 7;
    let calls = 0;
    while (at < data.length && calls++ < 5000) {
      const taken = device.write(data.subarray(at));
      streams.writeMax = calls % 3 === 0 ? 0 : 97;
      if (taken > 0) at += taken;
      else expect(taken).toBe(-4);
    }
    expect(at).toBe(data.length);
    for (const sealed of recordsIn(streams.take())) written.push(peer.reading.open(sealed).content);
    expect(Buffer.concat(written)).toEqual(data);
  });
});

test("a new connection owes nothing to the one before, and no memory is taken", () => {
  const handshake = psk();
  const before = handshake.device.guest.call.allocated();
  for (let i = 0; i < 5; i++) {
    handshake.device.open();
    handshake.streams.accept();
    handshake.poll();
    handshake.peer.hear(handshake.streams.take());
    handshake.run(i % 2 === 0 ? pskSteps : pskSteps.slice(0, 2));
    expect(handshake.isOpen).toBe(i % 2 === 0);
    handshake.device.close();
  }
  expect(handshake.device.guest.call.allocated()).toBe(before);
});

test("random bytes of random lengths never open a connection, and never trap", () => {
  const random = new Random("tls noise");
  for (let i = 0; i < 300; i++) {
    const handshake = psk();
    const change: Change = (_step, made) => {
      if (!random.chance(0.4)) return made;
      const copy = Buffer.from(made);
      for (let n = random.below(4); n >= 0; n--) copy[random.below(copy.length)] = random.below(256);
      return copy;
    };
    let changed = false;
    handshake.run(pskSteps, (step, made, peer) => {
      const after = change(step, made, peer);
      changed ||= !after.equals(made);
      return after;
    });
    // The server's random may be anything, but the transcript has it.
    if (changed) expect(handshake.isOpen, `handshake ${i}, seed ${random.seed}`).toBe(false);
    if (random.chance(0.5)) handshake.give(random.bytes(random.below(600)));
    handshake.poll(20);
  }
});

test("a key of small order is no secret", () => {
  // RFC 7748 §6.1, RFC 8446 §7.4.2: points whose product is zero for any scalar.
  const small = [
    Buffer.alloc(32),
    Buffer.concat([u8(1), Buffer.alloc(31)]),
    Buffer.from("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800", "hex"),
    Buffer.from("5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157", "hex"),
    Buffer.from("ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", "hex"),
    Buffer.from("edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", "hex"),
    Buffer.from("eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", "hex"),
  ];
  for (const point of small) {
    const handshake = psk();
    const share = extension(51, Buffer.concat([u16(29), sized16(point)]));
    handshake.give(record(ContentType.handshake, handshake.peer.serverHello([...without(handshake.peer, 51), share])));
    expectRefused(handshake, Alert.illegalParameter, point.toString("hex"));
  }
});
