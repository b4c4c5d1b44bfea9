// What can be configured: flags, then environment variables, then defaults. Everything is checked before anything
// starts.

import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { z } from "zod";
import { durationText, typedDuration } from "./domain/duration-text.ts";
import { type Keeping, keepingDefault } from "./features/retention/keeping.ts";
import { sleepMsMax } from "./features/hawkbit/documents.ts";
import { requestsPerMinuteDefault } from "./http/request-allowance.ts";
import { hawkbitPollMsDefault } from "./features/hawkbit/hawkbit.ts";
import { menderPollMsDefault } from "./features/mender/mender.ts";
import { parseRoleMapping, parseSafeUrl } from "./features/oidc/oidc-options.ts";
import { parseRanges } from "./features/webhooks/addresses.ts";
import { parseSmtpFrom, parseSmtpUrl } from "./features/webhooks/smtp-options.ts";
import { parseTrustedProxies } from "./http/trusted-proxies.ts";

const repository = fileURLToPath(new URL("../../../", import.meta.url));

const port = z.coerce.number().int().min(0).max(65535);

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
const forever = "forever";

/** In milliseconds; Infinity where it may be for ever. */
function keptFor(name: keyof Keeping, { minMs, maxMs }: { minMs: number; maxMs: number }) {
  const mayBeForever = maxMs === Number.POSITIVE_INFINITY;
  const form = mayBeForever
    ? `a duration such as 12h, 14d or 8w, of at least ${durationText(minMs)}, or ${forever}`
    : `a duration such as 12h, 14d or 8w, from ${durationText(minMs)} to ${durationText(maxMs)}`;
  return z
    .string()
    .optional()
    .transform((text, context) => {
      if (text === undefined) return keepingDefault[name];
      const ms = mayBeForever && text.trim() === forever ? maxMs : typedDuration(text);
      if (ms !== undefined && ms >= minMs && ms <= maxMs) return ms;
      context.addIssue({ code: "custom", message: form });
      return z.NEVER;
    });
}

/** Throws Error with a text for people where it can't be read. */
const by =
  <T>(read: (text: string) => T) =>
  (text: string, context: z.RefinementCtx): T => {
    try {
      return read(text);
    } catch (error) {
      context.addIssue({ code: "custom", message: (error as Error).message });
      return z.NEVER;
    }
  };

const yesOrNo = z
  .enum(["yes", "no"], "yes or no")
  .default("no")
  .transform((said) => said === "yes");

const form = z.object({
  host: z.string().min(1).default("127.0.0.1"),
  mqttHost: z.string().min(1).optional(),
  port: port.default(8080),
  mqttPort: port.optional(),
  mqttPskPort: port.optional(),
  mqttWebSocketPort: port.optional(),
  mqttTlsPort: port.optional(),
  mqttTlsCert: z.string().min(1).optional(),
  mqttTlsKey: z.string().min(1).optional(),
  mqttUrl: z
    .string()
    .regex(/^(mqtt|mqtts|ws|wss|tcp|ssl):\/\/.+/, "an address such as mqtt://user:password@broker:1883")
    .optional(),
  mqttAccounts: z.enum(["mosquitto"], "mosquitto is the only one").optional(),
  brokerSecret: z
    .string()
    .regex(/^[A-Za-z0-9_-]{16,128}$/, "16 to 128 letters, digits, - or _")
    .optional(),
  metricsToken: z
    .string()
    .regex(/^[A-Za-z0-9._~+/=-]{16,256}$/, "16 to 256 of the characters that a bearer token may have (RFC 6750, 2.1)")
    .optional(),
  databaseUrl: z
    .string()
    .regex(/^postgres(ql)?:\/\/.+/, "an address such as postgres://user:password@host/database")
    .optional(),
  member: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9_-]{0,31}$/, "up to 32 letters, digits, - or _")
    .optional(),
  imagesDir: z.string().min(1).optional(),
  dataDir: z
    .string()
    .min(1)
    .default(join(repository, "var", "server")),
  imagesBucket: z
    .string()
    .regex(/^s3:\/\/.+/, "an address such as s3://bucket/folder")
    .optional(),
  imagesEndpoint: z
    .string()
    .regex(/^https?:\/\/.+/, "an address such as https://minio.example:9000")
    .optional(),
  trustChain: z.string().min(1, "the path of the trust chain file is needed"),
  operationsKey: z.string().min(1).optional(),
  claimsFile: z.string().min(1).optional(),
  secretKeyFile: z.string().min(1).optional(),
  pollMs: z.coerce.number().int().min(100).max(3_600_000).default(3_000),
  hawkbit: yesOrNo,
  hawkbitPollMs: z.coerce.number().int().min(1_000).max(sleepMsMax).default(hawkbitPollMsDefault),
  hawkbitGatewayTokenFile: z.string().min(1).optional(),
  hawkbitGatewayEnrols: yesOrNo,
  hawkbitCertificateHeader: z
    .string()
    .regex(/^[A-Za-z0-9-]{1,64}$/, "a header's name, such as X-Ssl-Client-Cn")
    .optional(),
  mender: yesOrNo,
  menderPollMs: z.coerce
    .number()
    .int()
    .min(1_000)
    .max(7 * dayMs)
    .default(menderPollMsDefault),
  awsIot: yesOrNo,
  awsIotDownloadsAt: z
    .string()
    .regex(/^https?:\/\/[^/?#\s]+$/, "an address such as https://fleet.example, without a path")
    .optional(),
  keepDeviceLog: keptFor("deviceLogMs", { minMs: hourMs, maxMs: Number.POSITIVE_INFINITY }),
  keepTelemetryRaw: keptFor("telemetryRawMs", { minMs: 6 * hourMs, maxMs: 28 * dayMs }),
  keepTelemetryHours: keptFor("telemetryHoursMs", { minMs: dayMs, maxMs: 728 * dayMs }),
  keepDecisions: keptFor("decisionsMs", { minMs: dayMs, maxMs: Number.POSITIVE_INFINITY }),
  keepAudit: keptFor("auditMs", { minMs: 4 * 7 * dayMs, maxMs: Number.POSITIVE_INFINITY }),
  logLevel: z.enum(["trace", "debug", "info", "warn", "error", "silent"]).default("info"),
  requestsPerMinute: z.coerce.number().int().min(60).max(1_000_000).default(requestsPerMinuteDefault),
  allowedOrigins: z
    .string()
    .default("")
    .transform((text) =>
      text
        .split(",")
        .map((origin) => origin.trim())
        .filter(Boolean),
    ),
  trustProxy: z.string().default("false").transform(by(parseTrustedProxies)),
  publicUrl: z
    .string()
    .transform(by(parseSafeUrl))
    .refine(({ pathname }) => pathname === "/", "without a path")
    .optional(),
  webhookAllow: z.string().default("").transform(by(parseRanges)),
  smtpUrl: z.string().transform(by(parseSmtpUrl)).optional(),
  smtpFrom: z.string().transform(by(parseSmtpFrom)).optional(),
  smtpPasswordFile: z.string().min(1).optional(),
  smtpTls: z.enum(["required", "none"], "required or none").default("required"),
  smtpCaFile: z.string().min(1).optional(),
  oidcIssuer: z.string().transform(by(parseSafeUrl)).optional(),
  oidcClientId: z.string().min(1).optional(),
  oidcClientSecretFile: z.string().min(1).optional(),
  oidcScope: z
    .string()
    .default("openid profile")
    .refine((text) => text.split(" ").includes("openid"), "openid has to be among them"),
  oidcRoleClaim: z.string().min(1).optional(),
  oidcRoles: z.string().transform(by(parseRoleMapping)).optional(),
  oidcUserNameClaim: z.string().min(1).default("preferred_username"),
  oidcSessionMinutes: z.coerce.number().int().min(5).max(720).default(240),
  consoleDir: z
    .string()
    .min(1)
    .default(join(repository, "apps", "web", "dist")),
});

const pskPortDefault = 8883;

/** Unless MQTT in clear was asked for, and nothing else, or the broker is another one. */
const pskPortIn = ({ mqttPort, mqttUrl }: { mqttPort?: number | undefined; mqttUrl?: string | undefined }) =>
  mqttPort === undefined && mqttUrl === undefined ? pskPortDefault : undefined;

const ofTls = ["mqttTlsPort", "mqttTlsCert", "mqttTlsKey"] as const;

/** What is shown of points that are gone are their hours. What belongs to an interface that is off would do nothing. */
const schema = form
  .superRefine((of, context) => {
    const missing = ofTls.find((each) => of[each] === undefined);
    if (missing !== undefined && ofTls.some((each) => of[each] !== undefined))
      context.addIssue({
        code: "custom",
        path: [missing],
        message: "MQTT over TLS needs all of --mqtt-tls-port, --mqtt-tls-cert and --mqtt-tls-key",
      });
  })
  .refine(({ keepTelemetryRaw, keepTelemetryHours }) => keepTelemetryHours >= keepTelemetryRaw, {
    path: ["keepTelemetryHours"],
    message: "not shorter than --keep-telemetry-raw",
  })
  .refine(({ hawkbit, ...of }) => hawkbit || of.hawkbitGatewayTokenFile === undefined, {
    path: ["hawkbitGatewayTokenFile"],
    message: "only with --hawkbit yes",
  })
  .refine(({ hawkbitCertificateHeader: header, trustProxy }) => header === undefined || trustProxy !== false, {
    path: ["hawkbitCertificateHeader"],
    message: "only with --trust-proxy: a client could write it itself",
  })
  .refine(({ awsIot, awsIotDownloadsAt }) => awsIot === (awsIotDownloadsAt !== undefined), {
    path: ["awsIotDownloadsAt"],
    message: "with --aws-iot yes, and only with it: things are told where to fetch their images",
  })
  .refine(({ awsIot, mqttTlsPort }) => !awsIot || mqttTlsPort !== undefined, {
    path: ["awsIot"],
    message: "only with --mqtt-tls-port: devices of AWS IoT come by TLS, with certificates",
  })
  .refine(({ awsIot, member }) => !awsIot || member === undefined, {
    path: ["awsIot"],
    message: "not with --member: devices of AWS IoT are served by one server alone",
  })
  .refine(({ oidcIssuer, oidcClientId }) => (oidcIssuer === undefined) === (oidcClientId === undefined), {
    path: ["oidcClientId"],
    message: "--oidc-issuer and --oidc-client-id belong together",
  })
  .refine(({ oidcIssuer, publicUrl }) => oidcIssuer === undefined || publicUrl !== undefined, {
    path: ["publicUrl"],
    message: "needed with --oidc-issuer: the provider sends browsers back to it",
  })
  .refine(({ oidcIssuer, oidcRoles }) => (oidcIssuer === undefined) === (oidcRoles === undefined), {
    path: ["oidcRoles"],
    message: "needed with --oidc-issuer, and with it alone: who has none of these values is not let in",
  })
  .refine(({ smtpUrl, smtpFrom }) => (smtpUrl === undefined) === (smtpFrom === undefined), {
    path: ["smtpFrom"],
    message: "--smtp-url and --smtp-from belong together",
  })
  .refine(({ smtpUrl, smtpTls }) => smtpTls === "required" || (smtpUrl?.isTlsAtOnce ?? false) === false, {
    path: ["smtpTls"],
    message: "an smtps: address is one with TLS",
  })
  .refine(({ smtpUrl, smtpTls }) => smtpTls === "required" || smtpUrl?.userName === undefined, {
    path: ["smtpTls"],
    message: "none only where nobody signs in: the password would be sent in clear",
  })
  .refine(({ mqttUrl, mqttWebSocketPort }) => mqttUrl === undefined || mqttWebSocketPort === undefined, {
    path: ["mqttWebSocketPort"],
    message: "not with --mqtt-url: the embedded broker listens there, and that broker has a port of its own for it",
  })
  .refine(({ mqttUrl, mqttTlsPort }) => mqttUrl === undefined || mqttTlsPort === undefined, {
    path: ["mqttTlsPort"],
    message: "not with --mqtt-url: the embedded broker listens there, and that broker has a port of its own for it",
  })
  .refine(({ mqttUrl, mqttPskPort }) => mqttUrl === undefined || mqttPskPort === undefined, {
    path: ["mqttPskPort"],
    message: "not with --mqtt-url: the embedded broker listens there, and that broker has a port of its own for it",
  })
  .transform(({ mqttPskPort, ...of }) => ({ ...of, mqttPskPort: mqttPskPort ?? pskPortIn(of) }))
  .refine(
    ({ mqttPskPort, mqttTlsPort }) => mqttPskPort === undefined || mqttPskPort !== mqttTlsPort || mqttTlsPort === 0,
    {
      path: ["mqttPskPort"],
      message: `${pskPortDefault} by default, which --mqtt-tls-port has: give one of the two another port`,
    },
  );

export type Configuration = z.output<typeof schema>;

interface Option {
  flag: string;
  variable: string;
  about: string;
}

/** One row an option: what `--help` prints. */
export const options: Record<keyof Configuration, Option> = {
  host: {
    flag: "host",
    variable: "HOST",
    about: "address to listen on, for HTTP and MQTT (127.0.0.1; 0.0.0.0: all of this machine)",
  },
  mqttHost: { flag: "mqtt-host", variable: "MQTT_HOST", about: "another address for MQTT alone (as --host)" },
  port: { flag: "port", variable: "PORT", about: "HTTP port (8080; 0: any free one)" },
  mqttPort: {
    flag: "mqtt-port",
    variable: "MQTT_PORT",
    about: "MQTT in clear at this port of the embedded broker (none; usual: 1883; 0: any free one)",
  },
  mqttPskPort: {
    flag: "mqtt-psk-port",
    variable: "MQTT_PSK_PORT",
    about: "MQTT over TLS 1.3 by devices' own keys (8883; none with --mqtt-port alone; 0: any free one)",
  },
  mqttWebSocketPort: {
    flag: "mqtt-websocket-port",
    variable: "MQTT_WEBSOCKET_PORT",
    about: "MQTT over WebSocket besides, at /mqtt of this port (none; 0: any free one)",
  },
  mqttTlsPort: {
    flag: "mqtt-tls-port",
    variable: "MQTT_TLS_PORT",
    about:
      "MQTT over TLS by a certificate besides, with --mqtt-tls-cert and --mqtt-tls-key (none; usual: 8883; 0: any free one)",
  },
  mqttTlsCert: {
    flag: "mqtt-tls-cert",
    variable: "MQTT_TLS_CERT",
    about: "PEM file of the certificate for it, and of those that lead to its root; read anew when it changes",
  },
  mqttTlsKey: {
    flag: "mqtt-tls-key",
    variable: "MQTT_TLS_KEY",
    about: "PEM file of that certificate's key, which nobody else may read",
  },
  mqttUrl: { flag: "mqtt-url", variable: "MQTT_URL", about: "use this MQTT broker instead of the embedded one" },
  mqttAccounts: {
    flag: "mqtt-accounts",
    variable: "MQTT_ACCOUNTS",
    about: "mosquitto: keep devices' accounts at that broker by its dynamic security plugin (none)",
  },
  brokerSecret: {
    flag: "broker-secret",
    variable: "BROKER_SECRET",
    about: "lets a broker that knows it ask who may do what, at /api/v1/broker/<secret> (none: no such addresses)",
  },
  metricsToken: {
    flag: "metrics-token",
    variable: "METRICS_TOKEN",
    about: "lets who sends it as a bearer token read /metrics from anywhere (none: who asks from this machine)",
  },
  databaseUrl: {
    flag: "database-url",
    variable: "DATABASE_URL",
    about: "use this PostgreSQL database (none: SQLite, in the data folder)",
  },
  member: {
    flag: "member",
    variable: "MEMBER",
    about: "this server's name among several on one PostgreSQL database, docs/scaling.md (none: the only one)",
  },
  imagesDir: {
    flag: "images-dir",
    variable: "IMAGES_DIR",
    about: "the folder of images that these several servers share (none: in the data folder)",
  },
  dataDir: {
    flag: "data-dir",
    variable: "DATA_DIR",
    about: "where the images and SQLite's database are kept (var/server)",
  },
  imagesBucket: {
    flag: "images-bucket",
    variable: "IMAGES_BUCKET",
    about: "keep images in this bucket of an S3-compatible store, s3://bucket/folder (none: in the data folder alone)",
  },
  imagesEndpoint: {
    flag: "images-endpoint",
    variable: "IMAGES_ENDPOINT",
    about: "address of that store (Amazon's)",
  },
  trustChain: {
    flag: "trust-chain",
    variable: "TRUST_CHAIN",
    about: "trust chain file whose release keys verify uploads (required)",
  },
  operationsKey: {
    flag: "operations-key",
    variable: "OPERATIONS_KEY",
    about: "private JWK of an operations key, to sign commands to devices (none: no commands)",
  },
  secretKeyFile: {
    flag: "secret-key-file",
    variable: "FLIPSIDE_SECRET_KEY_FILE",
    about: "file of the key that encrypts secrets in the database; or FLIPSIDE_SECRET_KEY (none: in clear)",
  },
  claimsFile: {
    flag: "claims-file",
    variable: "CLAIMS_FILE",
    about: "file of claims to import at the start, JSON or CSV",
  },
  pollMs: { flag: "poll-ms", variable: "POLL_MS", about: "how often devices check in, in milliseconds (3000)" },
  hawkbit: {
    flag: "hawkbit",
    variable: "HAWKBIT",
    about: "yes: serve devices of hawkBit's interface, too, below /DEFAULT/controller/v1, docs/hawkbit.md (no)",
  },
  hawkbitPollMs: {
    flag: "hawkbit-poll-ms",
    variable: "HAWKBIT_POLL_MS",
    about: "how often these are told to poll, in milliseconds; whole seconds (300000)",
  },
  hawkbitGatewayTokenFile: {
    flag: "hawkbit-gateway-token-file",
    variable: "HAWKBIT_GATEWAY_TOKEN_FILE",
    about: "file of the token that lets a gateway in for any of them; or HAWKBIT_GATEWAY_TOKEN (none)",
  },
  hawkbitGatewayEnrols: {
    flag: "hawkbit-gateway-enrols",
    variable: "HAWKBIT_GATEWAY_ENROLS",
    about: "yes: with that token, those that nobody has registered come in, too (no)",
  },
  hawkbitCertificateHeader: {
    flag: "hawkbit-certificate-header",
    variable: "HAWKBIT_CERTIFICATE_HEADER",
    about: "where a proxy of --trust-proxy says the name in a client's certificate that it has verified (none)",
  },
  mender: {
    flag: "mender",
    variable: "MENDER",
    about: "yes: serve devices with Mender's client, too, below /api/devices, docs/mender.md (no)",
  },
  menderPollMs: {
    flag: "mender-poll-ms",
    variable: "MENDER_POLL_MS",
    about: "how often these ask, by their UpdatePollIntervalSeconds; in milliseconds (1800000)",
  },
  awsIot: {
    flag: "aws-iot",
    variable: "AWS_IOT",
    about: "yes: serve devices of AWS IoT, too, at the port for TLS, docs/aws-iot.md (no)",
  },
  awsIotDownloadsAt: {
    flag: "aws-iot-downloads-at",
    variable: "AWS_IOT_DOWNLOADS_AT",
    about: "where these reach this server by HTTP, such as https://fleet.example (required with --aws-iot yes)",
  },
  keepDeviceLog: {
    flag: "keep-device-log",
    variable: "KEEP_DEVICE_LOG",
    about: "how long entries of devices' logs are kept, such as 14d, 8w or forever; 50 of a device at most (26w)",
  },
  keepTelemetryRaw: {
    flag: "keep-telemetry-raw",
    variable: "KEEP_TELEMETRY_RAW",
    about: "how long each value of devices' metrics is kept (1d)",
  },
  keepTelemetryHours: {
    flag: "keep-telemetry-hours",
    variable: "KEEP_TELEMETRY_HOURS",
    about: "how long what these came to in each hour is kept (8w)",
  },
  keepDecisions: {
    flag: "keep-decisions",
    variable: "KEEP_DECISIONS",
    about: "how long after a rollout's end its decisions are kept, or forever (52w)",
  },
  keepAudit: {
    flag: "keep-audit",
    variable: "KEEP_AUDIT",
    about: "how long it is kept who did what, at least 4w, or forever (104w)",
  },
  logLevel: { flag: "log-level", variable: "LOG_LEVEL", about: "trace, debug, info, warn, error or silent (info)" },
  requestsPerMinute: {
    flag: "requests-per-minute",
    variable: "REQUESTS_PER_MINUTE",
    about: `how often one account, or one of its tokens, may ask the REST interface (${requestsPerMinuteDefault})`,
  },
  allowedOrigins: {
    flag: "allowed-origins",
    variable: "ALLOWED_ORIGINS",
    about: "origins of the console behind a proxy, separated by commas",
  },
  trustProxy: {
    flag: "trust-proxy",
    variable: "TRUST_PROXY",
    about: "number of proxies in front, or their addresses, whose X-Forwarded-For and -Proto count (none)",
  },
  publicUrl: {
    flag: "public-url",
    variable: "PUBLIC_URL",
    about: "this server's address as browsers reach it, https://flipside.example (none)",
  },
  oidcIssuer: {
    flag: "oidc-issuer",
    variable: "OIDC_ISSUER",
    about: "people may sign in at this OpenID provider, too, docs/accounts.md (none)",
  },
  oidcClientId: { flag: "oidc-client-id", variable: "OIDC_CLIENT_ID", about: "what the provider calls this server" },
  oidcClientSecretFile: {
    flag: "oidc-client-secret-file",
    variable: "OIDC_CLIENT_SECRET_FILE",
    about: "file of its secret there; or OIDC_CLIENT_SECRET (none: PKCE alone)",
  },
  oidcScope: { flag: "oidc-scope", variable: "OIDC_SCOPE", about: "what is asked of the provider (openid profile)" },
  oidcRoleClaim: {
    flag: "oidc-role-claim",
    variable: "OIDC_ROLE_CLAIM",
    about: "claim that roles come from, or a path such as realm_access.roles (roles, or else groups)",
  },
  oidcRoles: {
    flag: "oidc-roles",
    variable: "OIDC_ROLES",
    about:
      "the claim's values and their roles here, value=role;value=role@tag,tag (devices with these tags alone); the first that somebody has counts",
  },
  oidcUserNameClaim: {
    flag: "oidc-user-name-claim",
    variable: "OIDC_USER_NAME_CLAIM",
    about: "claim by which a new account is called (preferred_username)",
  },
  oidcSessionMinutes: {
    flag: "oidc-session-minutes",
    variable: "OIDC_SESSION_MINUTES",
    about: "after that the provider is asked anew who may what; 5 to 720 (240)",
  },
  webhookAllow: {
    flag: "webhook-allow",
    variable: "WEBHOOK_ALLOW",
    about: "private addresses that webhooks may be sent to, and without TLS, such as 10.0.0.0/8 (none)",
  },
  smtpUrl: {
    flag: "smtp-url",
    variable: "SMTP_URL",
    about: "mail server for messages by e-mail, smtp://user@host:587 (STARTTLS) or smtps://user@host:465 (none)",
  },
  smtpFrom: {
    flag: "smtp-from",
    variable: "SMTP_FROM",
    about: "whom they come from, such as Flipside <flipside@example.org>; needed with it",
  },
  smtpPasswordFile: {
    flag: "smtp-password-file",
    variable: "SMTP_PASSWORD_FILE",
    about: "file of that user's password, which nobody else may read; or SMTP_PASSWORD (none)",
  },
  smtpTls: {
    flag: "smtp-tls",
    variable: "SMTP_TLS",
    about: "required, or none: in clear, without a user, to a relay of this machine's or network's own (required)",
  },
  smtpCaFile: {
    flag: "smtp-ca-file",
    variable: "SMTP_CA_FILE",
    about: "PEM file of the roots that its certificate comes from (those that Node has)",
  },
  consoleDir: { flag: "console-dir", variable: "CONSOLE_DIR", about: "the built console (apps/web/dist)" },
};

export class ConfigurationError extends Error {}

export function usage(): string {
  const all = Object.values(options);
  const flagColumns = Math.max(...all.map(({ flag }) => flag.length + 2));
  const variableColumns = Math.max(...all.map(({ variable }) => variable.length));
  const row = (flag: string, variable: string, about: string): string =>
    `  ${flag.padEnd(flagColumns)} ${variable.padEnd(variableColumns)} ${about}`;
  const rows = all.map(({ flag, variable, about }) => row(`--${flag}`, variable, about));
  return [
    "Usage: node --import tsx apps/server/src/main.ts [options]",
    "",
    row("option", "variable", "meaning (default)"),
    ...rows,
    "",
  ].join("\n");
}

/** Throws ConfigurationError with a text for people. */
export function readConfiguration(args: string[], environment: NodeJS.ProcessEnv): Configuration | "help" {
  let values: Record<string, string | boolean | undefined>;
  try {
    const flags = Object.fromEntries(Object.values(options).map(({ flag }) => [flag, { type: "string" as const }]));
    ({ values } = parseArgs({
      args,
      options: { ...flags, help: { type: "boolean", short: "h" } },
      allowPositionals: false,
    }));
  } catch (error) {
    throw new ConfigurationError(`${(error as Error).message}\n\n${usage()}`);
  }
  if (values["help"] === true) return "help";
  const given = Object.fromEntries(
    Object.entries(options).map(([name, { flag, variable }]) => [
      name,
      values[flag] ?? (environment[variable] === "" ? undefined : environment[variable]),
    ]),
  );
  const parsed = schema.safeParse(given);
  if (parsed.success) return parsed.data;
  const lines = parsed.error.issues.map((issue) => {
    const option = options[issue.path[0] as keyof Configuration];
    return `  --${option.flag} (${option.variable}): ${issue.message}`;
  });
  throw new ConfigurationError(`The configuration is not valid:\n${lines.join("\n")}\n\n${usage()}`);
}
