// Tokens: what a program shows in place of a person's session, `Authorization: Bearer flip_…`. It may what it names
// and its account may. One's own, and everybody's.

import { z } from "zod";
import { tokenLifeDaysMax, tokenNameCharactersMax } from "../limits.ts";
import { isPlainText } from "../plain-text.ts";
import { json, named, nothing, route, secret } from "../route.ts";
import { idParams, newScope, scope, time } from "./forms.ts";
import { next, pageQuery } from "./pages.ts";
import { permission } from "./session.ts";

export const apiToken = named(
  "ApiToken",
  z.strictObject({
    id: z.string(),
    name: z.string(),
    userName: z.string(),
    permissions: z.array(permission),
    scope: scope.describe("tags of the devices that it sees, if its account does; null: all that its account sees"),
    createdAt: time,
    endsAt: time,
    lastUsedAt: time.nullable().describe("to the minute"),
  }),
);

const page = json(named("ApiTokenList", z.strictObject({ tokens: z.array(apiToken), next })));

export const newToken = named(
  "NewApiToken",
  z.strictObject({
    name: z
      .string()
      .trim()
      .min(1)
      .max(tokenNameCharactersMax)
      .refine(isPlainText, "holds characters that are not seen")
      .describe("what it is for"),
    permissions: z.array(permission).min(1).describe("of those that its account has"),
    scope: newScope.default(null),
    lifeDays: z.int().min(1).max(tokenLifeDaysMax).default(90),
  }),
);

export const listOwnTokens = route({
  method: "GET",
  path: "/api/v1/session/tokens",
  access: "in-person",
  summary: "One's own tokens, the newest first",
  query: z.object(pageQuery),
  status: 200,
  answer: page,
});

export const createToken = route({
  method: "POST",
  path: "/api/v1/session/tokens",
  access: "in-person",
  summary: "Make a token of one's own; the answer is the only one that tells it",
  body: json(newToken),
  status: 201,
  answer: json(named("NewApiTokenMade", z.strictObject({ token: secret(z.string()), made: apiToken }))),
  errors: ["too-many-tokens", "password-change-required"],
});

export const withdrawOwnToken = route({
  method: "DELETE",
  path: "/api/v1/session/tokens/:id",
  access: "in-person",
  summary: "Withdraw one of one's own tokens",
  params: idParams,
  status: 204,
  answer: nothing,
});

export const listTokens = route({
  method: "GET",
  path: "/api/v1/tokens",
  access: "accounts:manage",
  summary: "Everybody's tokens, the newest first",
  query: z.object(pageQuery),
  status: 200,
  answer: page,
});

export const withdrawToken = route({
  method: "DELETE",
  path: "/api/v1/tokens/:id",
  access: "accounts:manage",
  summary: "Withdraw anybody's token",
  params: idParams,
  status: 204,
  answer: nothing,
});
