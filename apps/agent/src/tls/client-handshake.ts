// The client's side of a TLS 1.3 handshake (RFC 8446, appendix A.1), message by message. What may come, in this order:
//
//   by a pre-shared key   ServerHello, EncryptedExtensions, Finished
//   by a pinned key       ServerHello, EncryptedExtensions, [CertificateRequest], Certificate, CertificateVerify,
//                         Finished
//   afterwards            NewSessionTicket (not used), KeyUpdate
//
// Everything else ends it.

import { get16, put24, put8, putBytes } from "../big-endian";
import { ED25519_VALID, ed25519VerifyParts, equalInConstantTime, x25519, x25519PublicKey } from "../crypto";
import { randomBytes } from "../random/random";
import { asciiBytes } from "../text/constant";
import { certificateAlert } from "./certificate";
import { writeClientHello } from "./client-hello";
import { ChannelCredentials, ChannelMode } from "./credentials";
import { finishedMac, KeySchedule, Label } from "./key-schedule";
import { readEncryptedExtensions, readServerHello, serverKeyPtr } from "./server-hello";
import { TrafficKeys } from "./traffic-keys";
import { Transcript } from "./transcript";
import { Alert, HANDSHAKE_HEADER_BYTES, HandshakeType, RANDOM_BYTES, SIGNATURE_ED25519 } from "./wire";

/** What is waited for. */
// biome-ignore format: a table, row by row
export namespace HandshakeState {
  export const Idle: u32 = 0;
  export const ServerHello: u32 = 1;
  export const EncryptedExtensions: u32 = 2;
  export const Certificate: u32 = 3;        // or CertificateRequest
  export const CertificateVerify: u32 = 4;
  export const Finished: u32 = 5;
  export const Done: u32 = 6;
}

const HASH_BYTES: u32 = 32;

const clientHandshake = new Label("c hs traffic");
const serverHandshake = new Label("s hs traffic");
const clientTraffic = new Label("c ap traffic");
const serverTraffic = new Label("s ap traffic");
const exporterMain = new Label("exp master");

/** §4.4.3: 64 spaces, this text and a zero, then the transcript's hash. */
const VERIFY_TEXT: string = "TLS 1.3, server CertificateVerify";
const VERIFY_SPACES: u32 = 64;
const VERIFY_BYTES: u32 = VERIFY_SPACES + VERIFY_TEXT.length + 1;
const verifyText: usize = asciiBytes(VERIFY_TEXT);
const verifyPrefix: usize = memory.data(98);

const random: usize = memory.data(32);
const publicKey: usize = memory.data(32);
const hash: usize = memory.data(32);
const computed: usize = memory.data(32);

export class ClientHandshake {
  state: u32 = HandshakeState.Idle;
  readonly reading: TrafficKeys = new TrafficKeys();
  readonly writing: TrafficKeys = new TrafficKeys();
  /** Until `wipe`. */
  readonly exporterSecret: usize = heap.alloc(HASH_BYTES);
  /** The message that was taken last has changed the keys to read by: it has to be the last of its record (§5.1). */
  changedKeys: bool = false;
  /** The peer wants new keys of ours, too (§4.6.3). */
  owesKeyUpdate: bool = false;

  private schedule: KeySchedule = new KeySchedule();
  private transcript: Transcript = new Transcript();
  private keySecret: usize = heap.alloc(32);
  /** Application traffic's, while the handshake's are still in use. */
  private nextWriting: usize = heap.alloc(HASH_BYTES);
  private wantsCertificate: bool = false;
  private mode: u32 = ChannelMode.PreSharedKey;

  constructor(private credentials: ChannelCredentials) {}

  /** Writes ClientHello; its length. `mode`: the ChannelMode that the connection was opened for. */
  begin(mode: u32, out: usize): u32 {
    this.mode = mode;
    this.transcript.reset();
    this.schedule.begin(mode == ChannelMode.PreSharedKey ? this.credentials.keyPtr : 0);
    randomBytes(random, RANDOM_BYTES);
    randomBytes(this.keySecret, 32);
    x25519PublicKey(this.keySecret, publicKey);
    const length = writeClientHello(out, random, publicKey, mode, this.credentials, this.schedule, this.transcript);
    this.transcript.add(out, length);
    this.wantsCertificate = false;
    this.owesKeyUpdate = false;
    this.changedKeys = false;
    this.state = HandshakeState.ServerHello;
    return length;
  }

  /** A whole message, with its header. 0 or the Alert that ends the connection. */
  take(message: usize, length: u32): i32 {
    const type: u32 = load<u8>(message);
    const body = message + HANDSHAKE_HEADER_BYTES;
    const bytes = length - HANDSHAKE_HEADER_BYTES;
    this.changedKeys = false;
    if (this.state == HandshakeState.Done) return this.takeLater(type, body, bytes);
    let alert: i32 = Alert.UnexpectedMessage;
    if (this.state == HandshakeState.ServerHello && type == HandshakeType.ServerHello) {
      alert = readServerHello(body, bytes, this.mode);
      this.transcript.add(message, length);
      return alert != 0 ? alert : this.agree();
    }
    if (this.state == HandshakeState.EncryptedExtensions && type == HandshakeType.EncryptedExtensions) {
      alert = readEncryptedExtensions(body, bytes);
      this.state = this.mode == ChannelMode.PreSharedKey ? HandshakeState.Finished : HandshakeState.Certificate;
    } else if (this.state == HandshakeState.Certificate && type == HandshakeType.CertificateRequest) {
      // Without a context; which certificates it would like, no matter: there is none.
      if (this.wantsCertificate) return Alert.UnexpectedMessage;
      alert = bytes < 3 || load<u8>(body) != 0 || get16(body + 1) != bytes - 3 ? Alert.DecodeError : 0;
      this.wantsCertificate = true;
    } else if (this.state == HandshakeState.Certificate && type == HandshakeType.Certificate) {
      alert = certificateAlert(body, bytes, this.credentials.pinnedKeyPtr);
      this.state = HandshakeState.CertificateVerify;
    } else if (this.state == HandshakeState.CertificateVerify && type == HandshakeType.CertificateVerify) {
      alert = this.verify(body, bytes);
      this.state = HandshakeState.Finished;
    } else if (this.state == HandshakeState.Finished && type == HandshakeType.Finished) {
      alert = this.checkFinished(body, bytes);
      if (alert != 0) return alert;
      this.transcript.add(message, length);
      this.reachMain();
      return 0;
    }
    if (alert == 0) this.transcript.add(message, length);
    return alert;
  }

  /** After `take` has made it Done: the client's last messages, to be sealed by `writing` before `useTrafficKeys`. */
  writeFlight(out: usize): u32 {
    let at = out;
    if (this.wantsCertificate) {
      // No context, no certificates.
      at = put24(put8(put24(put8(at, HandshakeType.Certificate), 4), 0), 0);
      this.transcript.add(out, <u32>(at - out));
    }
    this.transcript.hash(hash);
    finishedMac(this.writing.secret, hash, computed);
    at = putBytes(put24(put8(at, HandshakeType.Finished), HASH_BYTES), computed, HASH_BYTES);
    return <u32>(at - out);
  }

  /** What is sent from now on is application traffic. */
  useTrafficKeys(): void {
    memory.copy(this.writing.secret, this.nextWriting, HASH_BYTES);
    memory.fill(this.nextWriting, 0, HASH_BYTES);
    this.writing.begin();
  }

  /** Writes KeyUpdate as an answer; to be sealed before `writing.update()`. */
  writeKeyUpdate(out: usize): u32 {
    this.owesKeyUpdate = false;
    return <u32>(put8(put24(put8(out, HandshakeType.KeyUpdate), 1), 0) - out);
  }

  /** Nothing of the connection is left. */
  wipe(): void {
    this.state = HandshakeState.Idle;
    this.reading.wipe();
    this.writing.wipe();
    this.schedule.wipe();
    memory.fill(this.keySecret, 0, 32);
    memory.fill(this.nextWriting, 0, HASH_BYTES);
    memory.fill(this.exporterSecret, 0, HASH_BYTES);
  }

  /** Both sides share a secret now. */
  private agree(): i32 {
    const isSecret = x25519(this.keySecret, serverKeyPtr, computed);
    memory.fill(this.keySecret, 0, 32);
    if (!isSecret) return Alert.IllegalParameter; // §7.4.2
    this.schedule.next(computed);
    memory.fill(computed, 0, HASH_BYTES);
    this.transcript.hash(hash);
    this.schedule.derive(clientHandshake, hash, this.writing.secret);
    this.schedule.derive(serverHandshake, hash, this.reading.secret);
    this.writing.begin();
    this.reading.begin();
    this.changedKeys = true;
    this.state = HandshakeState.EncryptedExtensions;
    return 0;
  }

  private verify(body: usize, bytes: u32): i32 {
    if (bytes != 4 + 64 || get16(body + 2) != 64) return Alert.DecodeError;
    if (get16(body) != SIGNATURE_ED25519) return Alert.IllegalParameter;
    memory.fill(verifyPrefix, 0x20, VERIFY_SPACES);
    memory.copy(verifyPrefix + VERIFY_SPACES, verifyText, VERIFY_TEXT.length);
    this.transcript.hash(hash);
    const key = this.credentials.pinnedKeyPtr;
    const verdict = ed25519VerifyParts(key, body + 4, verifyPrefix, VERIFY_BYTES, hash, HASH_BYTES);
    return verdict == ED25519_VALID ? 0 : Alert.DecryptError;
  }

  private checkFinished(body: usize, bytes: u32): i32 {
    if (bytes != HASH_BYTES) return Alert.DecodeError;
    this.transcript.hash(hash);
    finishedMac(this.reading.secret, hash, computed);
    return equalInConstantTime(computed, body, HASH_BYTES) ? 0 : Alert.DecryptError;
  }

  private reachMain(): void {
    this.schedule.next(0);
    this.transcript.hash(hash);
    this.schedule.derive(clientTraffic, hash, this.nextWriting);
    this.schedule.derive(serverTraffic, hash, this.reading.secret);
    this.schedule.derive(exporterMain, hash, this.exporterSecret);
    this.schedule.wipe();
    this.reading.begin();
    this.changedKeys = true;
    this.state = HandshakeState.Done;
  }

  private takeLater(type: u32, body: usize, bytes: u32): i32 {
    if (type == HandshakeType.NewSessionTicket) return 0;
    if (type != HandshakeType.KeyUpdate) return Alert.UnexpectedMessage;
    if (bytes != 1) return Alert.DecodeError;
    if (load<u8>(body) > 1) return Alert.IllegalParameter;
    this.reading.update();
    this.changedKeys = true;
    if (load<u8>(body) == 1) this.owesKeyUpdate = true;
    return 0;
  }
}
