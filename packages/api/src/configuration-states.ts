// What has become of the configuration that is desired of a device.

/**
 *   none      nobody has set one
 *   waiting   the device is to get it
 *   sent      it was sent, and the device has not said what came of it
 *   in-force  the device says so
 *   refused   the device or its app would not have it; the one before stays in force
 */
export const configurationStateNames = ["none", "waiting", "sent", "in-force", "refused"] as const;
