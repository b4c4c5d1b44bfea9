// What a device's hardware is called where an operator says it.

import { z } from "zod";

const revisionMax = 0xffff;

export const hardwareName = z.string().regex(/^[!-~]{1,32}$/, "1 to 32 printable characters of ASCII without spaces");
export const hardwareRevision = z.int().min(0).max(revisionMax);
