// `flipside COMMAND …`, as a program.

import { processIo } from "./command-line/io.ts";
import { flipside } from "./flipside.ts";

// Whoever reads may have heard enough (`flipside device list | head`).
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
  process.exit(0);
});

process.exitCode = await flipside(process.argv.slice(2), processIo());
