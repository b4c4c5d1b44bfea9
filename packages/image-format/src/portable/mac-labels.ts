// Apart from the other constants: a text that is in a file which the boot loader imports is in its binary, used or not.

/** First parts of what MACs (HMAC-SHA256) cover; fields follow, each after a line feed. */
export const MAC_ENROL_DEVICE: string = "flipside-enrol-device-v1";
export const MAC_ENROL_SERVER: string = "flipside-enrol-server-v1";
export const MAC_ENROL_SECRET: string = "flipside-enrol-secret-v1";
export const MAC_CONTACT: string = "flipside-contact-v1";
