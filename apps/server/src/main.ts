// Starts the fleet manager from the command line.

import { endWithParent, outliveOutput } from "@flipside/processes/end-with-parent";
import { whoReaches } from "@flipside/processes/reach";
import { ConfigurationError, readConfiguration, usage } from "./configuration.ts";
import { awsIotIn, hawkbitIn, menderIn, oidcIn, smtpIn, tlsIn } from "./optional-features.ts";
import { createLogger } from "./logging.ts";
import { readSecretKey } from "./storage/secrets-at-rest.ts";
import { StartError, startServer } from "./server.ts";

/**
 * One stop often comes as several signals: a terminal's or a service manager's to the group, and the launcher's own.
 */
const SAME_STOP_MS = 1_000;

async function main(): Promise<void> {
  outliveOutput();
  const configuration = readConfiguration(process.argv.slice(2), process.env);
  if (configuration === "help") {
    process.stdout.write(usage());
    return;
  }
  const logger = createLogger(configuration.logLevel);
  const { keepDeviceLog, keepTelemetryRaw, keepTelemetryHours, keepDecisions, keepAudit, ...others } = configuration;
  const server = await startServer({
    ...others,
    mqttTls: tlsIn(configuration),
    awsIot: awsIotIn(configuration),
    oidc: oidcIn(configuration, process.env["OIDC_CLIENT_SECRET"]),
    hawkbit: hawkbitIn(configuration, process.env["HAWKBIT_GATEWAY_TOKEN"]),
    mender: menderIn(configuration),
    smtp: smtpIn(configuration, process.env["SMTP_PASSWORD"]),
    keep: {
      deviceLogMs: keepDeviceLog,
      telemetryRawMs: keepTelemetryRaw,
      telemetryHoursMs: keepTelemetryHours,
      decisionsMs: keepDecisions,
      auditMs: keepAudit,
    },
    secretKey: readSecretKey(configuration.secretKeyFile, process.env["FLIPSIDE_SECRET_KEY"]),
    logger,
  });
  if (server.firstAdministrator !== undefined) {
    const { userName, password } = server.firstAdministrator;
    process.stdout.write(
      `First sign-in: user ${userName}, one-time password ${password} (shown once; change it at the first sign-in)\n`,
    );
  }
  process.stdout.write(`Flipside is up: console ${server.url}, devices ${server.mqttUrl}\n`);
  const devices =
    configuration.mqttUrl === undefined
      ? whoReaches(configuration.mqttHost ?? configuration.host)
      : "whoever the broker lets in";
  if (server.mqttPskPort !== null)
    process.stdout.write(`Devices by TLS with their own keys: port ${server.mqttPskPort}\n`);
  if (server.mqttPort !== null)
    process.stdout.write(`Devices in clear, which whoever listens reads: port ${server.mqttPort}\n`);
  if (server.mqttWebSocketPort !== null)
    process.stdout.write(`Devices by WebSocket: port ${server.mqttWebSocketPort}, path /mqtt\n`);
  if (server.mqttTlsPort !== null)
    process.stdout.write(`Devices by TLS with a certificate: port ${server.mqttTlsPort}\n`);
  process.stdout.write(`Open to: console ${whoReaches(configuration.host)}; devices ${devices}\n`);

  let stoppingSinceMs: number | undefined;
  const stop = (why: string): void => {
    if (stoppingSinceMs !== undefined) {
      // A second signal means: now.
      if (performance.now() - stoppingSinceMs > SAME_STOP_MS) process.exit(1);
      return;
    }
    stoppingSinceMs = performance.now();
    logger.info({ why }, "closing");
    server.close().then(
      () => process.exit(0),
      (error: unknown) => {
        logger.error({ err: error as Error }, "closing failed");
        process.exit(1);
      },
    );
  };
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => stop(signal));
  endWithParent(() => stop("the parent process is gone"));
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
