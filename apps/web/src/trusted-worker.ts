// Workers under a policy that takes no text for a script's address (W3C Trusted Types, section 2.3): the one place that
// makes such addresses, and they are this build's own.

import { i18n } from "./language/i18n.ts";

interface ScriptAddressPolicy {
  createScriptURL(address: string): string;
}

declare global {
  /** Undefined: the browser knows nothing of it, and the policy of the page means nothing to it. */
  var trustedTypes:
    | { createPolicy(name: string, rules: { createScriptURL(address: string): string }): ScriptAddressPolicy }
    | undefined;
}

function ownAddress(address: string): string {
  const { origin, href } = new URL(address, location.href);
  if (origin !== location.origin) throw new TypeError(`A worker of this page does not come from ${origin}.`);
  return href;
}

let policy: ScriptAddressPolicy | undefined;

/** `address`: of an import with `?worker&url`. The worker's name is the page's language (start-language.ts). */
export function newWorker(address: string): Worker {
  // The name is the server's, too (apps/server/src/http/console-policy.ts).
  policy ??= globalThis.trustedTypes?.createPolicy("flipside-worker", { createScriptURL: ownAddress }) ?? {
    createScriptURL: ownAddress,
  };
  return new Worker(policy.createScriptURL(address), { type: "module", name: i18n.locale });
}
