// What the page hands its worker for a device that joins a fleet.

export interface JoiningDevice {
  deviceId: string;
  /** base64url. */
  claimSecret: string;
  product: string;
  /** Where it connects: MQTT over WebSocket. */
  server: { host: string; port: number };
  isSecure: boolean;
  /** As the fleet's server has them. */
  trustChain: Uint8Array;
  /** File of an image, for slot A. */
  image: Uint8Array;
}
