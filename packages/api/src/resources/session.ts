// /api/v1/session: signing in and out.

import { z } from "zod";
import { passwordCharactersMax, passwordCharactersMin } from "../limits.ts";
import { permissionNames, type Permission, roleNames } from "../permissions.ts";
import { scope } from "./forms.ts";
import { json, named, nothing, route, secret } from "../route.ts";

export const role = z.enum(roleNames);
export const permission = z.enum(permissionNames as [Permission, ...Permission[]]);

/** Where who has an account proves who it is. */
export const signsInWith = z.enum(["password", "openid-connect"]);

export const user = named(
  "User",
  z.strictObject({
    userName: z.string(),
    role,
    mustChangePassword: z.boolean(),
    signsInWith,
    scope: scope.describe("tags of the devices that who asks sees; null: the whole fleet"),
    may: z.array(permission).describe("what who asks may: all that its role may, or less by a token"),
  }),
);

export const password = secret(z.string().min(1).max(passwordCharactersMax));

export const credentials = named(
  "Credentials",
  z.strictObject({
    // What is no account's name may be a password that was typed into the wrong field.
    userName: secret(z.string().min(1).max(100)),
    password,
  }),
);

export const passwordChange = named(
  "PasswordChange",
  z.strictObject({
    currentPassword: password,
    newPassword: secret(
      z.string().min(passwordCharactersMin, `at least ${passwordCharactersMin} characters`).max(passwordCharactersMax),
    ),
  }),
);

export const signIn = route({
  method: "POST",
  path: "/api/v1/session",
  access: "anybody",
  summary: "Sign in; the answer sets a cookie",
  body: json(credentials),
  status: 200,
  answer: json(user),
  errors: ["credentials-wrong", "second-factor-needed", "too-many-attempts"],
});

export const currentUser = route({
  method: "GET",
  path: "/api/v1/session",
  access: "signed-in",
  summary: "Who is signed in",
  status: 200,
  answer: json(user),
});

export const signOut = route({
  method: "DELETE",
  path: "/api/v1/session",
  access: "anybody",
  summary: "Sign out",
  status: 204,
  answer: nothing,
});

export const changePassword = route({
  method: "POST",
  path: "/api/v1/session/password",
  access: "in-person",
  summary: "Choose another password; all other sessions end",
  body: json(passwordChange),
  status: 200,
  answer: json(user),
  errors: ["credentials-wrong", "too-many-attempts", "oidc-account"],
});
