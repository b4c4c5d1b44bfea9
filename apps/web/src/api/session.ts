import { request } from "./http.ts";
import type { User } from "./types.ts";

export const currentUser = (): Promise<User> => request("GET", "/api/session");

export const signIn = (userName: string, password: string): Promise<User> =>
  request("POST", "/api/session", { userName, password });

export const signOut = (): Promise<void> => request("DELETE", "/api/session");

export const changePassword = (currentPassword: string, newPassword: string): Promise<User> =>
  request("POST", "/api/session/password", { currentPassword, newPassword });
