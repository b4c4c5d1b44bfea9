// Apart from the other constants: a text that is in a file which the boot loader imports is in its binary, used or not.

/** First parts of what MACs (HMAC-SHA256) cover; fields follow, each after a line feed. */
export const MAC_ENROL_DEVICE: string = "flipside-enrol-device-v1";
export const MAC_ENROL_SERVER: string = "flipside-enrol-server-v1";
export const MAC_ENROL_SECRET: string = "flipside-enrol-secret-v1";
export const MAC_CONTACT: string = "flipside-contact-v1";
/** The pre-shared key of TLS: of the device's secret, and of its claim to enrol. */
export const MAC_TLS_KEY: string = "flipside-tls-key-v1";
export const MAC_TLS_ENROL_KEY: string = "flipside-tls-enrol-key-v1";
/** The MQTT password on such a connection, over what TLS exports by this label (RFC 8446, section 7.5). */
export const MAC_TLS_PASSWORD: string = "flipside-tls-password-v1";
export const TLS_EXPORTER_LABEL: string = "EXPORTER-flipside-mqtt-password-v1";
