// /api/v1/accounts: who may sign in, and as what.

import { z } from "zod";
import { userNamePattern } from "../limits.ts";
import { json, named, nothing, route, secret } from "../route.ts";
import { newScope, scope, time } from "./forms.ts";
import { next, pageQuery } from "./pages.ts";
import { role, signsInWith } from "./session.ts";

export const account = named(
  "Account",
  z.strictObject({
    userName: z.string(),
    role,
    scope: scope.describe("tags of the devices that it sees; null: the whole fleet"),
    mustChangePassword: z.boolean().describe("it has a one-time password yet"),
    signsInWith: signsInWith.describe("openid-connect: its role is the provider's to say, and it has no password"),
    createdAt: time,
    lastSignedInAt: time.nullable(),
  }),
);

export const accountPage = named("AccountList", z.strictObject({ accounts: z.array(account), next }));

const oneTimePassword = secret(z.string()).describe("for one sign-in; told once, and kept nowhere");

export const accountWithPassword = named("AccountWithPassword", z.strictObject({ account, oneTimePassword }));

export const newAccount = named(
  "NewAccount",
  z.strictObject({
    userName: z
      .string()
      .regex(userNamePattern, "1 to 64 characters of a-z, 0-9 and . _ @ -, beginning with a letter or digit"),
    role,
    scope: newScope.default(null),
  }),
);

const params = z.strictObject({ userName: z.string() });

export const listAccounts = route({
  method: "GET",
  path: "/api/v1/accounts",
  access: "accounts:manage",
  summary: "All accounts, by their names",
  query: z.object(pageQuery),
  status: 200,
  answer: json(accountPage),
});

export const createAccount = route({
  method: "POST",
  path: "/api/v1/accounts",
  access: "accounts:manage",
  takesTwo: true,
  summary: "Make an account; it begins with a one-time password",
  body: json(newAccount),
  status: 201,
  answer: json(accountWithPassword),
  errors: ["account-exists"],
});

export const changeRole = route({
  method: "PUT",
  path: "/api/v1/accounts/:userName/role",
  access: "accounts:manage",
  takesTwo: true,
  summary: "Another role, from the next request on",
  params,
  body: json(z.strictObject({ role })),
  status: 200,
  answer: json(account),
  errors: ["last-administrator", "oidc-account"],
});

export const changeScope = route({
  method: "PUT",
  path: "/api/v1/accounts/:userName/scope",
  access: "accounts:manage",
  takesTwo: true,
  summary: "See other devices, from the next request on",
  params,
  body: json(z.strictObject({ scope: newScope })),
  status: 200,
  answer: json(account),
  errors: ["oidc-account"],
});

export const resetPassword = route({
  method: "POST",
  path: "/api/v1/accounts/:userName/reset-password",
  access: "accounts:manage",
  takesTwo: true,
  summary: "A new one-time password; all sessions of the account end, and its tokens are withdrawn",
  params,
  status: 200,
  answer: json(accountWithPassword),
  errors: ["oidc-account"],
});

export const deleteAccount = route({
  method: "DELETE",
  path: "/api/v1/accounts/:userName",
  access: "accounts:manage",
  takesTwo: true,
  summary: "The account is gone, with its sessions, tokens, and what it has proposed; what it did keeps its name",
  params,
  status: 204,
  answer: nothing,
  errors: ["last-administrator"],
});
