// /api/v1/two-person-rule, /api/v1/proposals

import { routes } from "@flipside/api/routes";
import { bind, type BoundRoute } from "../../http/bind.ts";
import { pageOf } from "../../http/cursor.ts";
import { proposalKeys, proposalList, type Proposals } from "./proposals.ts";
import type { Rule } from "./rule.ts";

export function twoPersonRoutes(rule: Rule, proposals: Proposals): BoundRoute[] {
  return [
    bind(routes.getTwoPersonRule, () => rule.view()),
    bind(routes.setTwoPersonRule, async ({ body, note }) => {
      const { operations: before } = await rule.view();
      const set = await rule.set(body.operations);
      note({ before: { operations: before }, after: { operations: set.operations } });
      return set;
    }),
    bind(routes.listProposals, ({ query, user }) => proposals.list(pageOf(proposalList, proposalKeys, query), user)),
    bind(routes.confirmProposal, async ({ params, user, note }) => {
      const confirmed = await proposals.confirm(params.id, user);
      const { operation, on, by } = confirmed.proposal;
      note({ operation, on, askedBy: by });
      return confirmed;
    }),
    bind(routes.withdrawProposal, async ({ params, user, note }) => {
      const withdrawn = await proposals.withdraw(params.id, user);
      note({ operation: withdrawn.operation, on: withdrawn.on, askedBy: withdrawn.by });
      return withdrawn;
    }),
  ];
}
