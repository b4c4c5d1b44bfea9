// What to do about a refused request, by its stable code.

import type { ProblemError } from "@flipside/api/problem";
import { errorWords } from "./error-words.ts";

const todoByCode: Record<string, string> = {
  "server-unreachable":
    "Check your network connection. If others can reach the server, try again; if not, see that the fleet manager is running.",
  "no-answer-in-time":
    "Try again. If you were changing something, look first: it may have been done, and just the answer been lost.",
  "release-not-checked":
    "Load the page again, then choose the file once more. An old or hardened browser may not run WebAssembly: there, upload with flipside push.",
  "upload-stalled": "Check your network connection, then try again.",
  "unexpected-response":
    "Try again in a moment. If it stays so, something between you and the server, such as a proxy, may be answering in its place.",
  "console-fault": "Reload the page. If it happens again, report what you did with the text above.",
  "credentials-wrong": "Check user name and password. Both are case-sensitive.",
  "passkey-not-used": "Try again, and use the passkey when the browser asks for it. Going back is no harm.",
  "second-factor-wrong": "Try again with one of this account's passkeys, or use a recovery code.",
  "second-step-over": "Type your password again, then use the passkey within five minutes.",
  "passkeys-off": "Ask whoever runs the server to start it with --public-url: passkeys belong to an address.",
  "passkey-refused": "Begin again with “Add a passkey”.",
  "passkey-exists": "Use another authenticator, or the passkey that is there.",
  "oidc-off": "Sign in with a password.",
  "oidc-unreachable": "Try again in a moment. Whoever has a password of this server can sign in with it meanwhile.",
  "oidc-not-begun":
    "Begin again with the button. A sign-in counts once, for ten minutes, in the browser that began it.",
  "oidc-refused": "Begin again. If it stays so, ask whoever runs the server: its log says why.",
  "oidc-no-role": "Ask whoever gives roles or groups at your provider to give you one that this server knows.",
  "oidc-name":
    "Ask an administrator: your name at the provider is taken by another account here, or has characters that names here can't have.",
  "oidc-account": "Do this at the provider.",
  "not-signed-in": "Sign in again: the session has ended.",
  "password-change-required": "Choose a password of your own first.",
  "validation-failed": "Correct the fields named here and send it again.",
  "release-exists":
    "There is nothing to do if this is the same file. To ship a change, build it with a higher version and release sequence.",
  "release-sequence":
    "Build it with a release sequence that fits its version, or upload it and confirm that it is meant.",
  "image-file-missing": "Upload the same release file again: the server takes it and puts the file back.",
  "upload-too-large": "Make the images smaller, or leave out images that no device needs.",
  "upload-cancelled": "Choose the file again when you are ready.",
  "images-store-unusable":
    "Nothing was stored. Look at the store of the images (--images-bucket), then upload the file again.",
  "storage-full": "Free space on the server's disk, then upload the file again.",
  "no-operations-key": "Ask whoever runs the server to start it with an operations key.",
  "agent-takes-no-commands": "Nothing: this device can be updated by rollouts, and not be commanded or configured.",
  "too-many-commands": "Wait until the device has carried some out, or they have expired.",
  "rollout-state": "The rollout has moved on in the meantime. Look at its state below and decide anew.",
  "not-archived": "Archive it first, then delete it.",
  "still-needed":
    "Delete it when nothing needs it any more: update those devices, archive those rollouts, or leave it archived.",
  "release-archived": "Choose another release, or take this one out of the archive.",
  "no-image-for-hardware":
    "Choose a release with an image for that hardware, or pick only devices that the release fits.",
  "device-not-known": "Take these devices out of the choice, or enrol them first.",
  "release-older":
    "To go back on purpose, tick “Offer it also to devices that run a newer release”. Otherwise leave these devices out.",
  "release-revoked": "Build the release again, signed by a release key that is in force, and upload that.",
  "no-devices": "Connect devices of this product first; they count from their first check-in on.",
  "too-many-attempts": "Wait a minute, then try again.",
  "upload-incomplete": "Check your connection, then upload the file again.",
  "device-revoked": "Nothing: the server already refuses this device.",
  "origin-refused": "Open the console by the address that the server is set up for.",
  "event-streams-exhausted": "Close consoles that are not needed, then try again.",
  "server-busy": "Try again in a moment.",
  "internal-error": "Try again. If it stays so, look at the server's log.",
  "claim-exists": "The device id is already known with another secret. Check the list against the factory's records.",
};

/** What the person can do now; always something. */
export function whatToDo(problem: ProblemError): string {
  if (problem.retryAfterSeconds !== undefined) {
    return `Wait ${problem.retryAfterSeconds} s, then try again.`;
  }
  const known = todoByCode[problem.code] ?? errorWords(problem.code)?.todo;
  if (known) return known;
  if (problem.status === 404) return "It may have been removed. Go back to the list and look there.";
  if (problem.status === 403) return "Your account may not do this. Ask an administrator.";
  if (problem.status === 409) return "Something changed in the meantime. Look at the present state and decide anew.";
  if (problem.status === 429) return "Too many tries in a short time. Wait a minute, then try again.";
  if (problem.status >= 500) return "Try again in a moment. If it stays so, look at the server's log.";
  return "Correct what is named here and try again.";
}
