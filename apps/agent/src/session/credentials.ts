// As whom this device connects, and how it shows that: with its secret once it is enrolled, by its claim before. Over
// TLS by a pre-shared key the secret itself is never sent: the password is a MAC that holds on that one connection
// (docs/protocol.md, "Channel").

import { endLine, say, sayNumber, sayText } from "../console";
import { MAC_TLS_ENROL_KEY, MAC_TLS_KEY, MAC_TLS_PASSWORD, TLS_EXPORTER_LABEL } from "../agent-format";
import { CLAIM_SECRET_BYTES, DEVICE_SECRET_BYTES } from "../format";
import { claimSecret, deviceIdBytes, deviceIdPtr, serverKeyPtr } from "../identity/factory";
import { macBegin, macBytes, macField, macFinish } from "../identity/mac";
import { Settings } from "../identity/settings";
import { MqttSettings } from "../mqtt/settings";
import { base64urlEncode } from "../text/base64url";
import { asciiBytes } from "../text/constant";
import { ChannelCredentials, ChannelMode } from "../tls/credentials";
import { exportKey, Label } from "../tls/key-schedule";

/** Not a character of device ids; a colon would be a separator to RabbitMQ. */
const ENROL_PREFIX_BYTES: u32 = 6;
const ENROL_PASSWORD_BYTES: u32 = 5;
const enrolPrefix: usize = asciiBytes("enrol.");
/** For brokers that take no empty one; it is no secret. */
const enrolPassword: usize = asciiBytes("enrol");
const userName: usize = memory.data(64);
/** 32 bytes as base64url. */
const PASSWORD_BYTES: u32 = 43;
const password: usize = memory.data(48);

const labelKey: usize = asciiBytes(MAC_TLS_KEY);
const labelEnrolKey: usize = asciiBytes(MAC_TLS_ENROL_KEY);
const labelPassword: usize = asciiBytes(MAC_TLS_PASSWORD);
const exporterLabel = new Label(TLS_EXPORTER_LABEL);
const key: usize = memory.data(32);
const exported: usize = memory.data(32);

export class Credentials extends ChannelCredentials {
  enrolling: bool = false;
  private mode: u32 = ChannelMode.Clear;
  /** The server has ended a handshake, as one does that doesn't know the key. */
  private wasRefused: bool = false;

  constructor(
    private settings: Settings,
    private mqtt: MqttSettings,
  ) {
    super();
  }

  /** From the next connection on. */
  use(enrolling: bool): void {
    this.enrolling = enrolling;
    let length: u32 = 0;
    if (enrolling) {
      memory.copy(userName, enrolPrefix, ENROL_PREFIX_BYTES);
      length = ENROL_PREFIX_BYTES;
    }
    memory.copy(userName + length, deviceIdPtr(), deviceIdBytes());
    const mqtt = this.mqtt;
    mqtt.userNamePtr = userName;
    mqtt.userNameLength = length + deviceIdBytes();
    // The client id as well, since anybody may enrol under a device's name: that must not take the device's own place.
    mqtt.clientIdPtr = userName;
    mqtt.clientIdLength = mqtt.userNameLength;
    mqtt.passwordPtr = enrolling ? enrolPassword : password;
    mqtt.passwordLength = enrolling ? ENROL_PASSWORD_BYTES : PASSWORD_BYTES;
  }

  /** Whether the last connection ended by the server's refusal in the handshake; asked once. */
  takeRefusal(): bool {
    const wasRefused = this.wasRefused;
    this.wasRefused = false;
    return wasRefused;
  }

  onOpen(mode: u32): void {
    this.mode = mode;
    this.wasRefused = false;
    if (mode == ChannelMode.PreSharedKey) {
      memory.fill(password, 0, PASSWORD_BYTES);
      this.identityPtr = userName;
      this.identityLength = this.mqtt.userNameLength;
      this.keyPtr = key;
      if (this.enrolling) macBegin(claimSecret(), CLAIM_SECRET_BYTES, labelEnrolKey, MAC_TLS_ENROL_KEY.length);
      else macBegin(this.settings.secret, DEVICE_SECRET_BYTES, labelKey, MAC_TLS_KEY.length);
      macField(deviceIdPtr(), deviceIdBytes());
      macFinish(key);
      return;
    }
    if (mode == ChannelMode.PinnedKey) this.pinnedKeyPtr = serverKeyPtr();
    base64urlEncode(password, this.settings.secret, DEVICE_SECRET_BYTES);
  }

  onEstablished(exporterSecret: usize): void {
    say("tls: the server has proved itself");
    endLine();
    memory.fill(key, 0, 32);
    // By a pinned key the server may be any broker, which knows the secret as a password and can't compute with it.
    if (this.mode != ChannelMode.PreSharedKey || this.enrolling) return;
    exportKey(exporterSecret, exporterLabel, exported);
    macBegin(this.settings.secret, DEVICE_SECRET_BYTES, labelPassword, MAC_TLS_PASSWORD.length);
    macField(deviceIdPtr(), deviceIdBytes());
    macBytes(exported, 32);
    macFinish(exported);
    base64urlEncode(password, exported, 32);
  }

  onFailed(alert: i32, isPeers: bool): void {
    say("tls failed, ");
    sayText(isPeers ? "the server's alert " : "alert ");
    sayNumber(alert);
    endLine();
    this.wasRefused = isPeers;
  }
}
