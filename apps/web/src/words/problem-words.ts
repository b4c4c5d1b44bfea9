// What to do about a refused request, by its stable code.

import { t } from "@lingui/core/macro";
import type { ProblemError } from "@flipside/api/problem";
import { errorWords } from "./error-words.ts";

const todoByCode: Record<string, string> = {
  "server-unreachable": t`Check your network connection. If others can reach the server, try again; if not, see that the fleet manager is running.`,
  "no-answer-in-time": t`Try again. If you were changing something, look first: it may have been done, and just the answer been lost.`,
  "release-not-checked": t`Load the page again, then choose the file once more. An old or hardened browser may not run WebAssembly: there, upload with flipside push.`,
  "upload-stalled": t`Check your network connection, then try again.`,
  "unexpected-response": t`Try again in a moment. If it stays so, something between you and the server, such as a proxy, may be answering in its place.`,
  "console-fault": t`Reload the page. If it happens again, report what you did with the text above.`,
  "credentials-wrong": t`Check user name and password. Both are case-sensitive.`,
  "passkey-not-used": t`Try again, and use the passkey when the browser asks for it. Going back is no harm.`,
  "second-factor-wrong": t`Try again with one of this account's passkeys, or use a recovery code.`,
  "second-step-over": t`Type your password again, then use the passkey within five minutes.`,
  "passkeys-off": t`Ask whoever runs the server to start it with --public-url: passkeys belong to an address.`,
  "passkey-refused": t`Begin again with “Add a passkey”.`,
  "passkey-exists": t`Use another authenticator, or the passkey that is there.`,
  "oidc-off": t`Sign in with a password.`,
  "oidc-unreachable": t`Try again in a moment. Whoever has a password of this server can sign in with it meanwhile.`,
  "oidc-not-begun": t`Begin again with the button. A sign-in counts once, for ten minutes, in the browser that began it.`,
  "oidc-refused": t`Begin again. If it stays so, ask whoever runs the server: its log says why.`,
  "oidc-no-role": t`Ask whoever gives roles or groups at your provider to give you one that this server knows.`,
  "oidc-name": t`Ask an administrator: your name at the provider is taken by another account here, or has characters that names here can't have.`,
  "oidc-account": t`Do this at the provider.`,
  "not-signed-in": t`Sign in again: the session has ended.`,
  "password-change-required": t`Choose a password of your own first.`,
  "validation-failed": t`Correct the fields named here and send it again.`,
  "release-exists": t`There is nothing to do if this is the same file. To ship a change, build it with a higher version and release sequence.`,
  "release-sequence": t`Build it with a release sequence that fits its version, or upload it and confirm that it is meant.`,
  "image-file-missing": t`Upload the same release file again: the server takes it and puts the file back.`,
  "upload-too-large": t`Make the images smaller, or leave out images that no device needs.`,
  "upload-cancelled": t`Choose the file again when you are ready.`,
  "images-store-unusable": t`Nothing was stored. Look at the store of the images (--images-bucket), then upload the file again.`,
  "storage-full": t`Free space on the server's disk, then upload the file again.`,
  "no-operations-key": t`Ask whoever runs the server to start it with an operations key.`,
  "agent-takes-no-commands": t`Nothing: this device can be updated by rollouts, and not be commanded or configured.`,
  "too-many-commands": t`Wait until the device has carried some out, or they have expired.`,
  "rollout-state": t`The rollout has moved on in the meantime. Look at its state below and decide anew.`,
  "not-archived": t`Archive it first, then delete it.`,
  "still-needed": t`Delete it when nothing needs it any more: update those devices, archive those rollouts, or leave it archived.`,
  "release-archived": t`Choose another release, or take this one out of the archive.`,
  "no-image-for-hardware": t`Choose a release with an image for that hardware, or pick only devices that the release fits.`,
  "device-not-known": t`Take these devices out of the choice, or enrol them first.`,
  "release-older": t`To go back on purpose, tick “Offer it also to devices that run a newer release”. Otherwise leave these devices out.`,
  "release-revoked": t`Build the release again, signed by a release key that is in force, and upload that.`,
  "no-devices": t`Connect devices of this product first; they count from their first check-in on.`,
  "too-many-attempts": t`Wait a minute, then try again.`,
  "upload-incomplete": t`Check your connection, then upload the file again.`,
  "device-revoked": t`Nothing: the server already refuses this device.`,
  "origin-refused": t`Open the console by the address that the server is set up for.`,
  "event-streams-exhausted": t`Close consoles that are not needed, then try again.`,
  "server-busy": t`Try again in a moment.`,
  "internal-error": t`Try again. If it stays so, look at the server's log.`,
  "claim-exists": t`The device id is already known with another secret. Check the list against the factory's records.`,
};

/** What the person can do now; always something. */
export function whatToDo(problem: ProblemError): string {
  if (problem.retryAfterSeconds !== undefined) {
    const seconds = problem.retryAfterSeconds;
    return t`Wait ${seconds} s, then try again.`;
  }
  const known = todoByCode[problem.code] ?? errorWords(problem.code)?.todo;
  if (known) return known;
  if (problem.status === 404) return t`It may have been removed. Go back to the list and look there.`;
  if (problem.status === 403) return t`Your account may not do this. Ask an administrator.`;
  if (problem.status === 409) return t`Something changed in the meantime. Look at the present state and decide anew.`;
  if (problem.status === 429) return t`Too many tries in a short time. Wait a minute, then try again.`;
  if (problem.status >= 500) return t`Try again in a moment. If it stays so, look at the server's log.`;
  return t`Correct what is named here and try again.`;
}
