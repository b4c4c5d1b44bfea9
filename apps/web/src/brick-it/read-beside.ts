// Files of the demonstration, which lie beside the page.

import { t } from "@lingui/core/macro";

/** Throws, with what the server said, where there is none. */
export async function readBeside(base: string, name: string): Promise<Uint8Array> {
  const response = await fetch(new URL(name, base));
  const { ok, status, statusText } = response;
  if (!ok) throw new Error(t`${name} could not be loaded: ${status} ${statusText}`);
  return new Uint8Array(await response.arrayBuffer());
}
