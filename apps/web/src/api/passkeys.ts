// Passkeys: what the server and the browser say to each other when one is made or shown.

import { t } from "@lingui/core/macro";
import { startAuthentication, startRegistration } from "@simplewebauthn/browser";
import { ProblemError } from "@flipside/api/problem";
import type { Passkey, PasskeyAnswer, User } from "@flipside/api/types";
import { api } from "./http.ts";

/** What the browser says when nothing came of it: somebody went back, or took too long; it doesn't say which. */
async function ofBrowser<T>(work: () => Promise<T>): Promise<PasskeyAnswer> {
  try {
    return (await work()) as PasskeyAnswer;
  } catch (cause) {
    const isKnown = (cause as Error).name === "InvalidStateError";
    const [code, title] = isKnown
      ? ["passkey-exists", t`This authenticator has a passkey of yours already`]
      : ["passkey-not-used", t`The browser gave no passkey`];
    throw new ProblemError({ status: 0, code, title, detail: (cause as Error).message, errors: [] }, { cause });
  }
}

export const listPasskeys = (): Promise<{ passkeys: Passkey[]; recoveryCodesLeft: number }> =>
  api("GET /api/v1/session/passkeys");

/** With the first one come the recovery codes. */
export async function addPasskey(name: string, currentPassword: string): Promise<string[] | null> {
  const optionsJSON = await api("POST /api/v1/session/passkeys/options", { body: { currentPassword } });
  // The server made them for exactly this; what is in them is between it and the browser.
  const passkey = await ofBrowser(() => startRegistration({ optionsJSON: optionsJSON as never }));
  return (await api("POST /api/v1/session/passkeys", { body: { name, passkey } })).recoveryCodes;
}

export const renamePasskey = (id: string, name: string): Promise<Passkey> =>
  api("PUT /api/v1/session/passkeys/:id", { params: { id }, body: { name } });

export const removePasskey = (id: string, currentPassword: string): Promise<void> =>
  api("POST /api/v1/session/passkeys/:id/remove", { params: { id }, body: { currentPassword } });

export const renewRecoveryCodes = async (currentPassword: string): Promise<string[]> =>
  (await api("POST /api/v1/session/recovery-codes", { body: { currentPassword } })).recoveryCodes;

/** The second step of a sign-in. */
export async function signInByPasskey(): Promise<User> {
  const optionsJSON = await api("POST /api/v1/session/second-step/options");
  const passkey = await ofBrowser(() => startAuthentication({ optionsJSON: optionsJSON as never }));
  return api("POST /api/v1/session/second-step", { body: { passkey } });
}

export const signInByRecoveryCode = (recoveryCode: string): Promise<User> =>
  api("POST /api/v1/session/second-step", { body: { recoveryCode } });
