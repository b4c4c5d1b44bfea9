// `flipside COMMAND …`: one command a row. Each loads what it needs when it runs.

export {};

const commands: Record<string, { what: string; run: (argv: string[]) => Promise<number> }> = {
  backup: {
    what: "copy a server's data while it runs",
    run: async (argv) => (await import("./backup-main.ts")).backup(argv),
  },
  permit: {
    what: "make permits, with which devices go back to an older release",
    run: async (argv) => (await import("./permit-main.ts")).permit(argv),
  },
  "power-cut": {
    what: "cut power at every flash operation, of this source tree or of a release",
    run: async (argv) => (await import("../../power-cut/src/main.ts")).powerCut(argv),
  },
  recover: {
    what: "bring an image to a device in recovery, over its serial line",
    run: async (argv) => (await import("@flipside/machine/serial/recover-main")).recover(argv),
  },
  restore: {
    what: "put a copy of a server's data into a folder of its own",
    run: async (argv) => (await import("./backup-main.ts")).restore(argv),
  },
  wrap: {
    what: "make a release of a file that is there, for devices of another agent",
    run: async (argv) => (await import("./wrap-main.ts")).wrap(argv),
  },
};

const usage = `Usage: flipside COMMAND [options]\n\n${Object.entries(commands)
  .map(([name, { what }]) => `  ${name.padEnd(12)} ${what}`)
  .join("\n")}\n\nflipside COMMAND --help says more.\n`;

const [name, ...argv] = process.argv.slice(2);
const command = name === undefined ? undefined : commands[name];
if (command) {
  process.exitCode = await command.run(argv);
} else if (name === undefined || name === "--help" || name === "-h") {
  process.stdout.write(usage);
} else {
  process.stderr.write(`there is no command ${name}\n\n${usage}`);
  process.exitCode = 2;
}
