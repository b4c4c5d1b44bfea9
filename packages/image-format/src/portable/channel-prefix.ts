// How a device is to speak to a server, said before the server's host, wherever a device keeps one: in its factory
// record, in its settings, in a command. A device without TLS finds no host of such a name, and connects to nobody.

/** TLS 1.3 by a key that both sides have already: of the device's secret, or of its claim while it has none. */
export const TLS_HOST_PREFIX: string = "tls:";
/** TLS 1.3 by a certificate whose key is in the factory record. */
export const PINNED_HOST_PREFIX: string = "pin:";
