// What needs a person now. Each lookout is asked anew: nothing of it is stored, so nothing of it is out of date.

import { attentionKindNames } from "@flipside/api/attention-kinds";
import type { AttentionItem } from "@flipside/api/types";
import { iso } from "../../identifiers.ts";
import type { Asking, Lookout } from "./asking.ts";

export interface Attention {
  list(by: Asking): Promise<{ items: AttentionItem[]; at: string }>;
}

export const createAttention = (lookouts: readonly Lookout[], wallMs: () => number): Attention => ({
  async list(by) {
    const items: AttentionItem[] = [];
    for (const lookout of lookouts) items.push(...(await lookout(by)));
    const rank = ({ kind }: AttentionItem): number => attentionKindNames.indexOf(kind);
    return { items: items.sort((one, other) => rank(one) - rank(other)), at: iso(wallMs()) };
  },
});
