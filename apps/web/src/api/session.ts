import type { User } from "@flipside/api/types";
import { api } from "./http.ts";

export const currentUser = (): Promise<User> => api("GET /api/session");

export const signIn = (userName: string, password: string): Promise<User> =>
  api("POST /api/session", { body: { userName, password } });

export const signOut = (): Promise<void> => api("DELETE /api/session");

export const changePassword = (currentPassword: string, newPassword: string): Promise<User> =>
  api("POST /api/session/password", { body: { currentPassword, newPassword } });
