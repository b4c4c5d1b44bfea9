// What a server says of the options that it was started with: how things are set, and nothing of secrets.

import { readFileSync } from "node:fs";
import type { ServerSettings } from "@flipside/api/types";
import { hawkbitPollMsDefault } from "../features/hawkbit/hawkbit.ts";
import { menderPollMsDefault } from "../features/mender/mender.ts";
import { keepingDefault } from "../features/retention/keeping.ts";
import { requestsPerMinuteDefault } from "../http/request-allowance.ts";
import type { DeviceLink } from "../mqtt/device-link.ts";
import { pollMsDefault } from "./features.ts";
import type { ServerOptions } from "./server-options.ts";

const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")) as {
  version: string;
};

/** Infinity is for ever, which JSON has no number for. */
const finite = (ms: number): number | null => (Number.isFinite(ms) ? ms : null);

/** `link`: open already. */
export function shownSettings(
  options: ServerOptions,
  link: Pick<DeviceLink, "port" | "pskPort" | "webSocketPort" | "tlsPort">,
  nowMs: number,
): ServerSettings {
  const { member, databaseUrl, imagesBucket, secretKey, operationsKey, mqttUrl, hawkbit, mender, awsIot } = options;
  const keep = { ...keepingDefault, ...options.keep };
  return {
    version,
    startedAt: new Date(nowMs).toISOString(),
    member: member ?? null,
    database: databaseUrl === undefined ? "sqlite" : "postgres",
    images: imagesBucket === undefined ? "folder" : "bucket",
    encryptsSecrets: secretKey !== undefined,
    givesCommands: operationsKey !== undefined,
    broker: mqttUrl === undefined ? "embedded" : "external",
    mqttPort: mqttUrl === undefined ? link.port : null,
    mqttPskPort: link.pskPort,
    mqttWebSocketPort: link.webSocketPort,
    mqttTlsPort: link.tlsPort,
    pollMs: options.pollMs ?? pollMsDefault,
    hawkbit: hawkbit === undefined ? null : { pollMs: hawkbit.pollMs ?? hawkbitPollMsDefault },
    mender: mender === undefined ? null : { pollMs: mender.pollMs ?? menderPollMsDefault },
    awsIot: awsIot !== undefined,
    publicUrl: options.publicUrl?.origin ?? null,
    signInAt: options.oidc?.issuer.href ?? null,
    mailFrom: options.smtp?.from.address ?? null,
    requestsPerMinute: options.requestsPerMinute ?? requestsPerMinuteDefault,
    keeps: {
      deviceLogMs: finite(keep.deviceLogMs),
      telemetryRawMs: finite(keep.telemetryRawMs),
      telemetryHoursMs: finite(keep.telemetryHoursMs),
      decisionsMs: finite(keep.decisionsMs),
      auditMs: finite(keep.auditMs),
    },
  };
}
