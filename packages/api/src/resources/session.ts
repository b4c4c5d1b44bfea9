// /api/session: signing in and out.

import { z } from "zod";
import { passwordCharactersMax, passwordCharactersMin } from "../limits.ts";
import { json, named, nothing, route } from "../route.ts";

export const user = named(
  "User",
  z.strictObject({ userName: z.string(), role: z.enum(["admin"]), mustChangePassword: z.boolean() }),
);

const password = z.string().min(1).max(passwordCharactersMax);

export const credentials = named("Credentials", z.strictObject({ userName: z.string().min(1).max(100), password }));

export const passwordChange = named(
  "PasswordChange",
  z.strictObject({
    currentPassword: password,
    newPassword: z
      .string()
      .min(passwordCharactersMin, `at least ${passwordCharactersMin} characters`)
      .max(passwordCharactersMax),
  }),
);

export const signIn = route({
  method: "POST",
  path: "/api/session",
  access: "anybody",
  summary: "Sign in; the answer sets a cookie",
  body: json(credentials),
  status: 200,
  answer: json(user),
  errors: ["credentials-wrong", "too-many-attempts"],
});

export const currentUser = route({
  method: "GET",
  path: "/api/session",
  access: "signed-in",
  summary: "Who is signed in",
  status: 200,
  answer: json(user),
});

export const signOut = route({
  method: "DELETE",
  path: "/api/session",
  access: "anybody",
  summary: "Sign out",
  status: 204,
  answer: nothing,
});

export const changePassword = route({
  method: "POST",
  path: "/api/session/password",
  access: "signed-in",
  summary: "Choose another password; all other sessions end",
  body: json(passwordChange),
  status: 200,
  answer: json(user),
  errors: ["credentials-wrong", "too-many-attempts"],
});
