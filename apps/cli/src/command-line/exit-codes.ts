// What the exit status of a command means, once for all commands: `--help`, docs/command-line.md and the shells of
// pipelines go by it.

export const exitCodes = {
  done: { code: 0, means: "done" },
  failed: { code: 1, means: "it could not be done, or what was looked at is not in order; standard error says why" },
  usage: { code: 2, means: "the command line can't be used; nothing was done" },
  refused: { code: 3, means: "the server refused it; the problem's code is printed (docs/api.md, Errors)" },
  "not-signed-in": { code: 4, means: "nobody is signed in, or the password or token is wrong" },
  stopped: { code: 5, means: "the rollout was paused, cancelled or rolled back" },
  "timed-out": { code: 6, means: "what was waited for did not come in time" },
  unreachable: { code: 7, means: "the server did not answer, or in a way that is not understood" },
} as const satisfies Record<string, { code: number; means: string }>;

export type ExitName = keyof typeof exitCodes;
