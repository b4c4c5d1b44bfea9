// MACs of macs.ts as texts, made whenever they are asked for.

import { base64url } from "../server-messages.ts";
import type { Mac } from "./policy.ts";

export const plainMac: Mac = (over, key, fields) => base64url(over(Buffer.from(key, "base64url"), fields));
