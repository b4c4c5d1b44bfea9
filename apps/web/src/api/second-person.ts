// What takes two persons: what waits for the second one, and which operations do.

import type { Proposal, TwoPersonRule } from "@flipside/api/types";
import type { Paged } from "./access.ts";
import { api } from "./http.ts";

export async function proposalPage(cursor: string | undefined): Promise<Paged<Proposal>> {
  const query = cursor === undefined ? {} : { after: cursor };
  const { proposals, next } = await api("GET /api/v1/proposals", { query });
  return { members: proposals, next };
}

/** `answer`: what the operation answers, such as a one-time password, which is told here alone. */
export const confirmProposal = (id: string): Promise<{ proposal: Proposal; answer?: unknown }> =>
  api("POST /api/v1/proposals/:id/confirm", { params: { id } });

export const withdrawProposal = (id: string): Promise<Proposal> =>
  api("POST /api/v1/proposals/:id/withdraw", { params: { id } });

export const getTwoPersonRule = (): Promise<TwoPersonRule> => api("GET /api/v1/two-person-rule");

export const setTwoPersonRule = (operations: string[]): Promise<TwoPersonRule> =>
  api("PUT /api/v1/two-person-rule", { body: { operations } });
