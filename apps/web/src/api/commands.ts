import type { CollectedLog, Command, NewCommand } from "@flipside/api/types";
import { api } from "./http.ts";

/** Newest first. */
export const listCommands = async (id: string): Promise<Command[]> =>
  (await api("GET /api/v1/devices/:id/commands", { params: { id } })).commands;

export const giveCommand = (id: string, command: NewCommand): Promise<Command> =>
  api("POST /api/v1/devices/:id/commands", { params: { id }, body: command });

export const getCollectedLog = (id: string, command: string): Promise<CollectedLog> =>
  api("GET /api/v1/devices/:id/commands/:command/log", { params: { id, command } });
