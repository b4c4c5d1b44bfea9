// /api/v1/session/passkeys: the second factor of a local account, and the second step of a sign-in that takes it (Web
// Authentication, Level 3).

import { z } from "zod";
import { passkeyNameCharactersMax } from "../limits.ts";
import { json, named, nothing, route, secret } from "../route.ts";
import { idParams, time } from "./forms.ts";
import { password, user } from "./session.ts";

const base64url = z
  .string()
  .max(65_536)
  .regex(/^[A-Za-z0-9_-]*$/);

/** As browsers write a credential's answer: RegistrationResponseJSON, AuthenticationResponseJSON (section 5.1). */
const credential = z.looseObject({
  id: base64url.min(1).max(1400),
  rawId: base64url,
  type: z.literal("public-key"),
  response: z.looseObject({ clientDataJSON: base64url }),
  clientExtensionResults: z.looseObject({}),
});

export const passkeyAnswer = named("PasskeyAnswer", credential);

export const passkeyOptions = named(
  "PasskeyOptions",
  z
    .looseObject({ challenge: base64url })
    .describe("what a browser takes: PublicKeyCredentialCreationOptionsJSON or PublicKeyCredentialRequestOptionsJSON"),
);

const name = z.string().trim().min(1).max(passkeyNameCharactersMax);

export const passkey = named(
  "Passkey",
  z.strictObject({
    id: z.string(),
    name: z.string(),
    createdAt: time,
    lastUsedAt: time.nullable(),
    isSynced: z.boolean().describe("it is backed up, and so on several devices of its owner's"),
  }),
);

const recoveryCodes = secret(z.array(z.string())).describe("each lets its owner in once in place of a passkey");

const withPassword = named("WithPassword", z.strictObject({ currentPassword: password }));

export const listPasskeys = route({
  method: "GET",
  path: "/api/v1/session/passkeys",
  access: "in-person",
  summary: "One's own passkeys, the oldest first",
  status: 200,
  answer: json(named("PasskeyList", z.strictObject({ passkeys: z.array(passkey), recoveryCodesLeft: z.int().min(0) }))),
});

const proving = ["credentials-wrong", "too-many-attempts", "oidc-account", "password-change-required"] as const;

export const beginPasskey = route({
  method: "POST",
  path: "/api/v1/session/passkeys/options",
  access: "in-person",
  summary: "What a browser makes a passkey from; takes the password once more",
  body: json(withPassword),
  status: 200,
  answer: json(passkeyOptions),
  errors: [...proving, "passkeys-off", "too-many-passkeys"],
});

export const addPasskey = route({
  method: "POST",
  path: "/api/v1/session/passkeys",
  access: "in-person",
  summary: "Add the passkey that a browser has made; with the first one, signing in takes one from now on",
  body: json(named("NewPasskey", z.strictObject({ name, passkey: secret(passkeyAnswer) }))),
  status: 201,
  answer: json(
    named(
      "AddedPasskey",
      z.strictObject({ passkey, recoveryCodes: recoveryCodes.nullable().describe("with the first one, told once") }),
    ),
  ),
  errors: ["passkeys-off", "passkey-refused", "passkey-exists", "too-many-passkeys"],
});

export const renamePasskey = route({
  method: "PUT",
  path: "/api/v1/session/passkeys/:id",
  access: "in-person",
  summary: "Another name",
  params: idParams,
  body: json(z.strictObject({ name })),
  status: 200,
  answer: json(passkey),
});

export const removePasskey = route({
  method: "POST",
  path: "/api/v1/session/passkeys/:id/remove",
  access: "in-person",
  summary: "It counts no more; with the last one, the password is enough again",
  params: idParams,
  body: json(withPassword),
  status: 204,
  answer: nothing,
  errors: proving,
});

export const renewRecoveryCodes = route({
  method: "POST",
  path: "/api/v1/session/recovery-codes",
  access: "in-person",
  summary: "Other recovery codes in place of those of before",
  body: json(withPassword),
  status: 200,
  answer: json(named("RecoveryCodes", z.strictObject({ recoveryCodes }))),
  errors: [...proving, "no-passkeys"],
});

export const secondStepOptions = route({
  method: "POST",
  path: "/api/v1/session/second-step/options",
  access: "anybody",
  changesNothing: true,
  summary: "What a browser asks for a passkey with, once the password was right",
  status: 200,
  answer: json(passkeyOptions),
  errors: ["second-step-over", "passkeys-off"],
});

export const takeSecondStep = route({
  method: "POST",
  path: "/api/v1/session/second-step",
  access: "anybody",
  summary: "Sign in with the passkey, or a recovery code, once the password was right; the answer sets a cookie",
  body: json(
    named(
      "SecondStep",
      z.union([
        z.strictObject({ passkey: secret(passkeyAnswer) }),
        z.strictObject({ recoveryCode: secret(z.string().min(1).max(100)) }),
      ]),
    ),
  ),
  status: 200,
  answer: json(user),
  errors: ["second-step-over", "second-factor-wrong", "passkeys-off", "too-many-attempts"],
});
