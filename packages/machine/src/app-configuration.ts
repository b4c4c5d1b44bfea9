// What the agent wants of the app: a document to go by, which the app judges, and to make the device known
// (exokernel/app_configuration.c).

import { CONFIGURATION_VERDICT_BYTES, Exo } from "./abi.ts";
import type { AppConfigurationPort } from "./ports.ts";

interface Proposed {
  number: number;
  document: Uint8Array;
  verdict: Uint8Array | undefined;
}

export class AppConfiguration implements AppConfigurationPort {
  #proposed: Proposed | undefined;
  isIdentifying = false;

  propose(document: Uint8Array, number: number): void {
    this.#proposed = document.length === 0 ? undefined : { number, document: document.slice(), verdict: undefined };
  }

  get verdict(): Uint8Array | undefined {
    return this.#proposed?.verdict;
  }

  get waiting(): { number: number; document: Uint8Array } | undefined {
    return this.#proposed?.verdict === undefined ? this.#proposed : undefined;
  }

  judge(number: number, code: number, text: Uint8Array): number {
    const { waiting } = this;
    if (waiting?.number !== number) return Exo.Again;
    const verdict = new Uint8Array(CONFIGURATION_VERDICT_BYTES);
    const view = new DataView(verdict.buffer);
    view.setUint32(0, number, true);
    view.setInt32(4, code, true);
    view.setUint32(8, text.length, true);
    verdict.set(text, 16);
    this.#proposed = { ...waiting, verdict };
    return Exo.Ok;
  }
}
