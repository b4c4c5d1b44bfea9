// Streams of a device in a browser by way of a relay, which opens the connections:
// `<relay>?host=<host>&port=<port>`, closed where the connection is.

import type { WebSocketDoor } from "./websocket-streams.ts";

export const relayAt = (relay: string): WebSocketDoor => ({
  address: (host, port) => `${relay}?host=${encodeURIComponent(host)}&port=${port}`,
  saysThatItStands: true,
});
