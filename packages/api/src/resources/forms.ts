// The forms that members of many resources have.

import { z } from "zod";
import { deviceIdPattern, scopeTagsMax, tagPattern } from "../limits.ts";

export const time = z.iso.datetime().describe("ISO 8601, UTC");
export const count = z.int().min(0);
/** SHA-256 in hex. */
export const digest = z
  .string()
  .regex(/^[0-9a-f]{64}$/)
  .describe("SHA-256, hex");
/** First 8 bytes of SHA-256 of a key, in hex. */
export const keyId = z
  .string()
  .regex(/^[0-9a-f]{16}$/)
  .describe("first 8 bytes of SHA-256 of the key, hex");
export const deviceId = z.string().regex(deviceIdPattern, "1 to 48 characters of a-z, 0-9 and -");
/** An error code of the image format; 0: none. */
export const formatCode = z.int().min(0);

export const tag = z
  .string()
  .regex(tagPattern, "1 to 48 characters of a-z, 0-9, . _ : and -, not beginning with a sign");
/** Whose devices somebody sees (scope.ts). */
export const scope = z.array(tag).nullable();
export const newScope = z
  .array(tag)
  .min(1)
  .max(scopeTagsMax)
  .refine((tags) => new Set(tags).size === tags.length, "names a tag twice")
  .nullable()
  .describe("tags of the devices that are seen: one of them is enough; null: the whole fleet");

const revisionMax = 0xffff;
/** Of hardware, as images name it. */
export const revision = z.int().min(0).max(revisionMax);
export const hardwareName = z.string().regex(/^[!-~]{1,32}$/, "1 to 32 printable characters of ASCII without spaces");

export const idParams = z.strictObject({ id: z.string() });
