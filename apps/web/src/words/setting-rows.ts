// What a server was started with, as rows: what it is, what it is set to, and the option
// that sets it.

import type { ServerSettings } from "@flipside/api/types";
import { t } from "@lingui/core/macro";
import { count, duration } from "./quantities.ts";

export interface SettingRow {
  name: string;
  value: string;
  /** Undefined: it is as it is. */
  option?: string;
}

export interface SettingGroup {
  title: string;
  rows: SettingRow[];
}

const kept = (ms: number | null): string => (ms === null ? t`for ever` : duration(ms));
const served = (of: { pollMs: number } | null): string => {
  if (of === null) return t`not served`;
  const every = duration(of.pollMs);
  return t`served, asked to come every ${every}`;
};
const port = (of: number | null): string => (of === null ? t`not served` : t`port ${String(of)}`);

const ofDevices = (of: ServerSettings): SettingRow[] => [
  {
    name: t`MQTT broker`,
    value: of.broker === "embedded" ? t`the one within this server` : t`one of its own, elsewhere`,
    option: "--mqtt-url",
  },
  ...(of.broker === "embedded"
    ? [
        { name: t`MQTT over TLS, devices’ own keys`, value: port(of.mqttPskPort), option: "--mqtt-psk-port" },
        { name: t`MQTT in clear`, value: port(of.mqttPort), option: "--mqtt-port" },
        { name: t`MQTT over WebSocket`, value: port(of.mqttWebSocketPort), option: "--mqtt-websocket-port" },
        { name: t`MQTT over TLS, certificate`, value: port(of.mqttTlsPort), option: "--mqtt-tls-port" },
      ]
    : []),
  { name: t`Devices check in`, value: t`every ${duration(of.pollMs)}`, option: "--poll-ms" },
  { name: t`Devices of hawkBit`, value: served(of.hawkbit), option: "--hawkbit" },
  { name: t`Devices of Mender`, value: served(of.mender), option: "--mender" },
  { name: t`Devices of AWS IoT`, value: of.awsIot ? t`served` : t`not served`, option: "--aws-iot" },
  {
    name: t`Commands to devices`,
    value: of.givesCommands ? t`signed by the operations key` : t`none: there is no operations key`,
    option: "--operations-key",
  },
];

const ofPeople = (of: ServerSettings): SettingRow[] => [
  {
    name: t`Address of the console`,
    value: of.publicUrl ?? t`not said: links in messages have none`,
    option: "--public-url",
  },
  {
    name: t`People sign in`,
    value: of.signInAt === null ? t`with a password` : t`with a password, or at ${of.signInAt}`,
    option: "--oidc-issuer",
  },
  { name: t`E-mail`, value: of.mailFrom ?? t`none is sent`, option: "--smtp-url" },
  {
    name: t`Requests of one account or token`,
    value: t`${count(of.requestsPerMinute)} a minute at most`,
    option: "--requests-per-minute",
  },
];

const ofWhatIsKept = ({ keeps, ...of }: ServerSettings): SettingRow[] => [
  {
    name: t`Database`,
    value: of.database === "sqlite" ? t`SQLite, in the data folder` : "PostgreSQL",
    option: "--database-url",
  },
  {
    name: t`Images`,
    value: of.images === "folder" ? t`in a folder` : t`in a bucket, with copies in the data folder`,
    option: "--images-bucket",
  },
  {
    name: t`Secrets in the database`,
    value: of.encryptsSecrets ? t`encrypted with a key from outside` : t`as they are: who has the database has them`,
    option: "--secret-key-file",
  },
  { name: t`What devices went through`, value: kept(keeps.deviceLogMs), option: "--keep-device-log" },
  { name: t`Metrics, every point`, value: kept(keeps.telemetryRawMs), option: "--keep-telemetry-raw" },
  { name: t`Metrics, by the hour`, value: kept(keeps.telemetryHoursMs), option: "--keep-telemetry-hours" },
  {
    name: t`Decisions of rollouts, after their end`,
    value: kept(keeps.decisionsMs),
    option: "--keep-decisions",
  },
  { name: t`The record of who did what`, value: kept(keeps.auditMs), option: "--keep-audit" },
];

export const settingGroups = (of: ServerSettings): SettingGroup[] => [
  { title: t`Devices`, rows: ofDevices(of) },
  { title: t`People`, rows: ofPeople(of) },
  { title: t`What is kept`, rows: ofWhatIsKept(of) },
];
