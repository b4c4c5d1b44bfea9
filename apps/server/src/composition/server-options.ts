// What a server can be started with, from the command line or in-process.

import type { PasswordCost } from "../features/accounts/password.ts";
import type { ClockSource } from "../clock.ts";
import type { Keeping } from "../features/retention/keeping.ts";
import type { AwsIotOptions } from "../features/aws-iot/aws-iot.ts";
import type { OidcOptions } from "../features/oidc/oidc-options.ts";
import type { HawkbitOptions } from "../features/hawkbit/hawkbit.ts";
import type { MenderOptions } from "../features/mender/mender.ts";
import type { SmtpOptions } from "../features/webhooks/smtp-options.ts";
import type { FileSystem } from "../features/releases/image-files.ts";
import type { HttpTimes } from "../http/listener.ts";
import type { TrustedProxies } from "../http/trusted-proxies.ts";
import type { Logger, LogLevel } from "../logging.ts";
import type { DeviceLink } from "../mqtt/device-link.ts";
import type { TlsOptions } from "../mqtt/tls-door.ts";
import type { StorageOptions } from "../storage/storage.ts";

export interface ServerOptions {
  /** Database and images; made when it does not exist. */
  dataDir: string;
  /** A trust chain as bytes, or the path of its file. */
  trustChain: Uint8Array | string;
  /** Path of an operations key; without it, the server gives no commands. */
  operationsKey?: string | undefined;
  /** Address for HTTP, and for MQTT unless `mqttHost` says another. Default: 127.0.0.1. */
  host?: string;
  mqttHost?: string | undefined;
  /** 0: any free port. Null: nobody listens, and requests are handed to `internals.http`, as rehearsals do. */
  port?: number | null;
  /**
   * MQTT in clear. Undefined: 1883 where there is no `mqttPskPort`, and else none. The command line opens it only where
   * it is asked for.
   */
  mqttPort?: number | undefined;
  /** MQTT over TLS by pre-shared keys; undefined: none. */
  mqttPskPort?: number | undefined;
  /** MQTT over WebSocket, beside it; undefined: none. */
  mqttWebSocketPort?: number | undefined;
  /** MQTT over TLS by a certificate, beside those; undefined: none. */
  mqttTls?: TlsOptions | undefined;
  /** File of claims, JSON or CSV (features/claims/claims-file.ts), to import at the start. */
  claimsFile?: string | undefined;
  /** A PostgreSQL database in place of the one in the data folder. */
  databaseUrl?: string | undefined;
  /** This server is one of several on that database, and this is its name among them (members/). */
  member?: string | undefined;
  /** The folder of image files that they share. */
  imagesDir?: string | undefined;
  /** s3://bucket/folder: images are kept there, and copies of them in the data folder. */
  imagesBucket?: string | undefined;
  /** Of a store that is not Amazon's. */
  imagesEndpoint?: string | undefined;
  /** 32 bytes: secrets in the database are encrypted with it (storage/secrets-at-rest.ts). */
  secretKey?: Uint8Array | undefined;
  /** Another broker in place of the embedded one. */
  mqttUrl?: string | undefined;
  /** That broker keeps devices' accounts, and this server manages them there. */
  mqttAccounts?: "mosquitto" | undefined;
  /** Lets a broker that knows it ask who may do what (docs/operations.md). */
  brokerSecret?: string | undefined;
  /** Who has it may read /metrics from anywhere; by default who asks from this machine may. */
  metricsToken?: string | undefined;
  pollMs?: number;
  /** Devices of hawkBit's DDI are served, too (docs/hawkbit.md); undefined: they are not. */
  hawkbit?: HawkbitOptions | undefined;
  /** Devices of Mender's device API are served, too (docs/mender.md); undefined: they are not. */
  mender?: MenderOptions | undefined;
  /** The same of AWS IoT (docs/aws-iot.md); needs `mqttTls`. */
  awsIot?: AwsIotOptions | undefined;
  /** Devices of a rollout that one transaction makes deployments for, or ends; by default 250. */
  pieceMax?: number;
  /** Private ranges that webhooks may be in, as address and bits; by default none. */
  webhookAllow?: readonly [string, number][];
  /** The mail server for messages to mailboxes; undefined: there are none. */
  smtp?: SmtpOptions | undefined;
  /** For a message to a webhook and its answer. */
  webhookTimeoutMs?: number;
  /** How long things are kept; what is left out, as by default. */
  keep?: Partial<Keeping>;
  logLevel?: LogLevel;
  logger?: Logger;
  allowedOrigins?: readonly string[];
  /** Of one account, or one of its tokens. */
  requestsPerMinute?: number;
  /** Origin of the console as browsers reach it. */
  publicUrl?: URL | undefined;
  /** People may sign in at this provider, too; undefined: with a password alone. */
  oidc?: OidcOptions | undefined;
  trustProxy?: TrustedProxies;
  /** Is told of every statement; for tests that count them. */
  onStatement?: StorageOptions["onStatement"];
  /** Tests put shorter ones here. */
  httpTimes?: HttpTimes;
  consoleDir?: string;
  /** For a rehearsal, of wall time; by default 15 minutes. */
  rehearsalDeadlineMs?: number;
  /** How often deadlines are looked at. */
  tickMs?: number;
  /** The way to devices in place of MQTT; a rehearsal puts a network of its own here. */
  link?: (log: Logger) => DeviceLink;
  /** Tests put their own clocks here. */
  clock?: Partial<ClockSource>;
  /** A file system for images and uploads; tests put one here whose disk fills up. */
  fileSystem?: FileSystem;
  /** Tests, which sign in hundreds of times, put a lower one here. */
  passwordCost?: PasswordCost;
  /** Content of strict-verifier.wasm; by default it is read from the package image-format. */
  verifierWasm?: Uint8Array;
}
