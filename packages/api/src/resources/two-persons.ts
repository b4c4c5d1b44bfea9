// What takes two persons: one asks for it, another one confirms it. Which operations do, and what waits.

import { z } from "zod";
import { json, named, route } from "../route.ts";
import { idParams, time } from "./forms.ts";
import { next, pageQuery } from "./pages.ts";

export const proposalState = z
  .enum(["waiting", "begun", "done", "refused", "withdrawn", "expired"])
  .describe("begun: it was confirmed, and what came of it is not known (yet)");

export const proposal = named(
  "Proposal",
  z.strictObject({
    id: z.string(),
    state: proposalState,
    operation: z.string().describe("as in this document"),
    on: z.record(z.string(), z.string()).describe("what the address named"),
    asked: z.unknown().describe("what was asked for; a file: how many bytes it has"),
    by: z.string(),
    at: time,
    endsAt: time,
    decidedBy: z.string().nullable().describe("who confirmed or withdrew it"),
    decidedAt: time.nullable(),
    code: z.string().nullable().describe("of the refusal, when it was confirmed and could not be done"),
  }),
);

const operations = z.array(z.string().min(1).max(60)).max(50);

export const twoPersonRule = named(
  "TwoPersonRule",
  z.strictObject({
    operations: operations.describe("that take two persons"),
    besides: operations.describe("that do because of these: else one person could make a second one"),
    possible: operations,
  }),
);

export const getTwoPersonRule = route({
  method: "GET",
  path: "/api/v1/two-person-rule",
  access: "fleet:read",
  scoped: "no-devices",
  summary: "Which operations take two persons",
  status: 200,
  answer: json(twoPersonRule),
});

export const setTwoPersonRule = route({
  method: "PUT",
  path: "/api/v1/two-person-rule",
  access: "accounts:manage",
  takesTwo: true,
  summary: "Say which operations take two persons; once there is one, this takes two as well",
  body: json(z.strictObject({ operations })),
  status: 200,
  answer: json(twoPersonRule),
  errors: ["nobody-to-approve"],
});

export const listProposals = route({
  method: "GET",
  path: "/api/v1/proposals",
  access: "fleet:read",
  scoped: "in-handler",
  summary: "What waits for a second person, or did; the newest first",
  query: z.object(pageQuery),
  status: 200,
  answer: json(named("ProposalList", z.strictObject({ proposals: z.array(proposal), next }))),
});

export const confirmProposal = route({
  method: "POST",
  path: "/api/v1/proposals/:id/confirm",
  access: "in-person",
  summary: "Confirm what somebody else asked for: it is done now. Takes the permission of the operation",
  params: idParams,
  status: 200,
  answer: json(
    named(
      "ProposalConfirmed",
      z.strictObject({
        proposal,
        answer: z.unknown().describe("what the operation itself answers, such as a one-time password: told here alone"),
      }),
    ),
  ),
  errors: ["proposal-state", "own-proposal", "role-refused", "scope-refused", "password-change-required"],
  refusesAsAnother: true,
  refusesFiles: true,
});

export const withdrawProposal = route({
  method: "POST",
  path: "/api/v1/proposals/:id/withdraw",
  access: "in-person",
  summary: "It is not to be done; by who asked for it, or could confirm it",
  params: idParams,
  status: 200,
  answer: json(proposal),
  errors: ["proposal-state", "role-refused", "scope-refused", "password-change-required"],
});
