import { addressOf } from "@flipside/api/client";
import type { SignInWays, User } from "@flipside/api/types";
import { api } from "./http.ts";

export const currentUser = (): Promise<User> => api("GET /api/v1/session");

export const signIn = (userName: string, password: string): Promise<User> =>
  api("POST /api/v1/session", { body: { userName, password } });

export const signInWays = (): Promise<SignInWays> => api("GET /api/v1/session/ways");

/** Where the browser goes to sign in at the OpenID provider, to come back to this page. */
export const providerAddress = (returnTo: string): string =>
  addressOf("GET /api/v1/session/oidc", { query: { returnTo } });

export const signOut = (): Promise<void> => api("DELETE /api/v1/session");

/** Signs out here, and says where to go to sign out at the OpenID provider; null: nowhere. */
export const signOutEverywhere = async (): Promise<string | null> =>
  (await api("POST /api/v1/session/oidc/sign-out")).url;

export const changePassword = (currentPassword: string, newPassword: string): Promise<User> =>
  api("POST /api/v1/session/password", { body: { currentPassword, newPassword } });
