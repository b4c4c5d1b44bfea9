import type { User } from "@flipside/api/types";
import { api } from "./http.ts";

export const currentUser = (): Promise<User> => api("GET /api/v1/session");

export const signIn = (userName: string, password: string): Promise<User> =>
  api("POST /api/v1/session", { body: { userName, password } });

export const signOut = (): Promise<void> => api("DELETE /api/v1/session");

export const changePassword = (currentPassword: string, newPassword: string): Promise<User> =>
  api("POST /api/v1/session/password", { body: { currentPassword, newPassword } });
