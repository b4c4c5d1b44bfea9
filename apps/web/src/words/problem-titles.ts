// What problems are called, by their codes: the server says it in English (packages/api/src/errors.ts).

import { t } from "@lingui/core/macro";
import type { ErrorCode } from "@flipside/api/errors";
import { ProblemError } from "@flipside/api/problem";
import { i18n } from "../language/i18n.ts";
import { errorWords } from "./error-words.ts";

const titles: Record<ErrorCode, string> = {
  "malformed-json": t`The body is not JSON`,
  "malformed-request": t`The request is not well-formed`,
  "filter-malformed": t`The filter can't be read`,
  "validation-failed": t`The request is not valid`,
  "credentials-wrong": t`User name or password is wrong`,
  "not-signed-in": t`Sign in first`,
  "password-change-required": t`Choose a password of your own first`,
  "scope-refused": t`This is of the whole fleet, and you see a part of it`,
  "role-refused": t`Your role does not allow this`,
  "token-refused": t`The token does not allow this`,
  "second-person-needed": t`Somebody else has to confirm it`,
  "own-proposal": t`It takes somebody else`,
  "session-required": t`No token can do this`,
  "origin-refused": t`The request came from another site`,
  "too-many-attempts": t`Too many attempts`,
  "not-found": t`There is nothing here`,
  "request-timeout": t`The request did not arrive`,
  "body-too-large": t`The body is too large`,
  "upload-too-large": t`The file is too large`,
  "upload-incomplete": t`The upload broke off`,
  "unsupported-media-type": t`The content type is not supported`,
  "expectation-failed": t`The expectation cannot be met`,
  "header-too-large": t`The request's header is too large`,
  "images-store-unusable": t`The store of the images can't be used`,
  "storage-full": t`The disk of the server is full`,
  "second-factor-needed": t`The password is right; the second step is missing`,
  "second-step-over": t`Begin with the password again`,
  "second-factor-wrong": t`The passkey or recovery code is wrong`,
  "passkeys-off": t`This server takes no passkeys`,
  "passkey-refused": t`The passkey was refused`,
  "passkey-exists": t`There is this passkey already`,
  "no-passkeys": t`The account has no passkeys`,
  "too-many-passkeys": t`The account has too many passkeys`,
  "oidc-off": t`This server has no OpenID provider`,
  "oidc-unreachable": t`The OpenID provider does not answer`,
  "oidc-not-begun": t`This sign-in was not begun here, or is over`,
  "oidc-refused": t`The OpenID provider's answer does not let you in`,
  "oidc-no-role": t`You have no role here`,
  "oidc-name": t`Your name can't be that of an account`,
  "oidc-account": t`The account signs in at the OpenID provider`,
  "logout-token-refused": t`The logout token is not valid`,
  "account-exists": t`There is such an account already`,
  "last-administrator": t`It is the last administrator`,
  "too-many-tokens": t`The account has too many tokens`,
  "idempotency-key-reused": t`The key was given with another request`,
  "request-under-way": t`The same request is still under way`,
  "outcome-unknown": t`Nobody knows whether it was done`,
  "answer-told-once": t`It was done, and its answer is told once`,
  "precondition-failed": t`It is not as you saw it any more`,
  "too-many-requests": t`Too many requests`,
  "too-many-webhooks": t`There are too many webhooks`,
  "webhook-address-refused": t`Nothing is sent to this address`,
  "email-off": t`This server sends no e-mail`,
  "proposal-state": t`The proposal does not wait any more`,
  "device-refused": t`The device is not known, or its token is wrong`,
  "hawkbit-off": t`This server does not speak hawkBit's DDI`,
  "mender-off": t`This server does not speak Mender's device API`,
  "aws-iot-off": t`This server does not serve devices of AWS IoT`,
  "certificate-taken": t`The certificate is another device's`,
  "device-exists": t`There is such a device already`,
  "claim-exists": t`A device has another claim already`,
  "claim-state": t`The claim does not wait for that`,
  "device-not-revoked": t`The device is not revoked`,
  "device-revoked": t`The device is revoked`,
  "release-exists": t`The release exists already`,
  "no-operations-key": t`This server cannot sign commands`,
  "agent-takes-no-commands": t`The device's agent takes no commands`,
  "too-many-commands": t`Too many commands wait for the device`,
  "release-sequence": t`The release sequence does not rise with the version`,
  "image-file-missing": t`A file of the release cannot be served`,
  "not-archived": t`It is not archived`,
  "still-needed": t`Something needs it`,
  "rollout-state": t`The rollout is not in a state for this`,
  "no-image-for-hardware": t`The release has no image for some devices`,
  "device-not-known": t`A device cannot be updated`,
  "release-revoked": t`No key that is in force signed the release`,
  "release-archived": t`The release is archived`,
  "release-older": t`Some devices run a newer release`,
  "nobody-to-approve": t`Nobody could approve the rollout`,
  "no-devices": t`The rollout has no devices`,
  "too-many-rehearsals": t`Too many rehearsals wait`,
  "rehearsal-state": t`The rehearsal is over`,
  "event-streams-exhausted": t`Too many event streams are open`,
  "members-unconfirmed": t`Not every server has confirmed it`,
  "server-busy": t`The server is busy`,
  "internal-error": t`The server made a mistake`,
};

/** Of problems that no server tells of: none was reached, or it was none of ours that answered. */
function titleWithoutServer({ code, status }: ProblemError): string | undefined {
  if (code === "server-unreachable") return t`The server did not answer`;
  if (code === "no-answer-in-time") return t`The server took too long to answer`;
  if (code === "unexpected-response")
    return t`The server answered in a way that is not understood here (HTTP ${status})`;
  return code === `http-${status}` ? t`The request was refused (HTTP ${status})` : undefined;
}

/** Of a file, whose problems have the codes of images and devices. */
function titleOfFile({ code, status }: ProblemError): string | undefined {
  if (status !== 422 || errorWords(code) === undefined) return undefined;
  return code.startsWith("trust-") ? t`The trust record was refused` : t`The release file was refused`;
}

/** Undefined: it is known to the server alone. */
export const problemTitle = (problem: ProblemError): string | undefined =>
  (Object.hasOwn(titles, problem.code) ? titles[problem.code as ErrorCode] : undefined) ??
  titleWithoutServer(problem) ??
  titleOfFile(problem);

/** What the client of @flipside/api says of itself when no answer came in time. */
function detailOf({ code, detail }: ProblemError): string {
  const seconds = /^There was no answer within ([\d.]+) s\.$/.exec(detail)?.[1];
  return code === "no-answer-in-time" && seconds !== undefined ? t`There was no answer within ${seconds} s.` : detail;
}

/** In English, the server's own title; else the console's words. Details stay as the server says them. */
export function inWords(problem: ProblemError): ProblemError {
  const title = i18n.locale === "en" ? undefined : problemTitle(problem);
  if (title === undefined || title === problem.title) return problem;
  const { status, code, errors, retryAfterSeconds } = problem;
  const details = { status, code, title, detail: detailOf(problem), errors };
  return new ProblemError(retryAfterSeconds === undefined ? details : { ...details, retryAfterSeconds }, {
    cause: problem,
  });
}
