// Starts the fleet manager from the command line.

import { ConfigurationError, readConfiguration, usage } from "./configuration.ts";
import { createLogger } from "./logging.ts";
import { StartError, startServer } from "./server.ts";

async function main(): Promise<void> {
  const configuration = readConfiguration(process.argv.slice(2), process.env);
  if (configuration === "help") {
    process.stdout.write(usage());
    return;
  }
  const logger = createLogger(configuration.logLevel);
  const server = await startServer({ ...configuration, logger });
  if (server.firstAdministrator !== undefined) {
    const { userName, password } = server.firstAdministrator;
    process.stdout.write(`First sign-in: user ${userName}, one-time password ${password} (shown once; change it at the first sign-in)\n`);
  }
  process.stdout.write(`Flipside is up: console ${server.url}, devices ${server.mqttUrl}\n`);

  let stopping = false;
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.on(signal, () => {
      // A second signal means: now.
      if (stopping) process.exit(1);
      stopping = true;
      logger.info({ signal }, "closing");
      server.close().then(
        () => process.exit(0),
        (error: unknown) => {
          logger.error({ err: error as Error }, "closing failed");
          process.exit(1);
        },
      );
    });
  }
  // A fault that nobody expected leaves the process in no known state; the database goes on from the last commit.
  for (const event of ["uncaughtException", "unhandledRejection"] as const) {
    process.on(event, (error: unknown) => {
      logger.fatal({ err: error as Error }, event);
      process.exit(1);
    });
  }
}

main().catch((error: unknown) => {
  const forPeople = error instanceof StartError || error instanceof ConfigurationError;
  process.stderr.write(forPeople ? `${(error as Error).message}\n` : `${(error as Error).stack ?? String(error)}\n`);
  process.exit(1);
});
