// MACs of macs.ts as texts, made whenever they are asked for.

import { base64url, fromBase64url } from "#primitives";
import type { Mac } from "./policy.ts";

export const plainMac: Mac = (over, key, fields) => base64url(over(fromBase64url(key), fields));
