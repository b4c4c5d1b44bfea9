// MqttSettings: whom to connect to, as whom, and how patiently. Byte ranges stay the caller's and are read at every
// connection attempt, so changed settings count from the next attempt on.

@final
export class MqttSettings {
  hostPtr: usize = 0;
  hostLength: u32 = 0;
  port: u32 = 1883;

  clientIdPtr: usize = 0;
  clientIdLength: u32 = 0;
  /** No user name is sent when its length is 0; a password needs a user name [MQTT-3.1.2-22]. */
  userNamePtr: usize = 0;
  userNameLength: u32 = 0;
  passwordPtr: usize = 0;
  passwordLength: u32 = 0;
  cleanSession: bool = true;

  /** No last will is sent when the topic's length is 0. */
  willTopicPtr: usize = 0;
  willTopicLength: u32 = 0;
  willPayloadPtr: usize = 0;
  willPayloadLength: u32 = 0;
  willQos: u32 = 0;
  willRetain: bool = false;

  /** 0 turns keep-alive off (3.1.2.10); at most 65,535. */
  keepAliveS: u32 = 60;
  /** From opening the stream to CONNACK. */
  connectTimeoutMs: u32 = 20_000;
  /**
   * For PUBACK and SUBACK, from the moment the packet was handed to the stream, or the last byte came: at most four
   * times this.
   */
  ackTimeoutMs: u32 = 30_000;
  /** For PINGRESP, or any other byte. A radio may be silent for 20 s and go on. */
  pingTimeoutMs: u32 = 25_000;
  backoffMinMs: u32 = 1_000;
  backoffMaxMs: u32 = 120_000;
  /** A connection that lasted this long starts the back-off over. */
  stableMs: u32 = 30_000;
}
