// What the page "Try to brick it" reads from fleet.json beside it: which fleet's server it came from. A server answers
// it itself, whoever asks; where the page lies on a static server, it is a file of the build.

export interface FleetBeside {
  /** Null: a static server. */
  fleet: {
    /** Where devices connect by MQTT over WebSocket, at /mqtt; null: nowhere. */
    mqttWebSocketPort: number | null;
  } | null;
}
