// The command line for tests, in this process: what a line says, and how it ends.

import type { Io } from "../src/command-line/io.ts";
import { flipside } from "../src/flipside.ts";

export interface Ended {
  code: number;
  said: string;
  complained: string;
}

export interface Surroundings {
  environment?: Record<string, string | undefined>;
  input?: string;
  /** What a person types, one answer after the other; without it nobody is at the terminal. */
  typed?: string[];
  hasTerminal?: boolean;
}

/** Runs lines in surroundings of their own. */
export const commandLine =
  (surroundings: Surroundings = {}) =>
  async (...line: string[]): Promise<Ended> => {
    const ended: Ended = { code: -1, said: "", complained: "" };
    const { environment = {}, input = "", typed, hasTerminal = false } = surroundings;
    const io: Io = {
      environment,
      out: (text) => void (ended.said += text),
      error: (text) => void (ended.complained += text),
      hasTerminal,
      readInput: async () => input,
      askHidden: async () => typed?.shift(),
    };
    ended.code = await flipside(line, io);
    return ended;
  };
