import { request } from "./http.ts";
import type { Command, NewCommand } from "./types.ts";

const at = (deviceId: string): string => `/api/devices/${encodeURIComponent(deviceId)}/commands`;

/** Newest first. */
export const listCommands = async (deviceId: string): Promise<Command[]> => (await request<{ commands: Command[] }>("GET", at(deviceId))).commands;

export const giveCommand = (deviceId: string, command: NewCommand): Promise<Command> => request("POST", at(deviceId), command);
