// How a device's connection came to the server.

/**
 * clear: MQTT as it is, which whoever listens reads; psk: TLS 1.3 by the device's own key; tls: by the server's
 * certificate; websocket: MQTT in WebSocket's frames, by TLS or not as the proxy before it has it; broker: through
 * another broker, which knows.
 */
export const channels = ["clear", "psk", "tls", "websocket", "broker"] as const;
export type Channel = (typeof channels)[number];
