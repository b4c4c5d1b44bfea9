// The REST interface and the console, over the features.

import { fileURLToPath } from "node:url";
import type { Express, RequestHandler } from "express";
import { createAccountManagement } from "../features/accounts/account-management.ts";
import { accountRoutes } from "../features/accounts/management-routes.ts";
import { sessionRoutes } from "../features/accounts/routes.ts";
import { createAudit } from "../features/audit/audit.ts";
import { createAuditing } from "../features/audit/audited-request.ts";
import { attentionRoutes } from "../features/attention/routes.ts";
import { auditRoutes } from "../features/audit/routes.ts";
import { awsIotAdminRoutes } from "../features/aws-iot/admin-routes.ts";
import { createBrokerRights } from "../features/broker-rights/broker-rights.ts";
import { brokerRightsRoutes } from "../features/broker-rights/routes.ts";
import type { Claims } from "../features/claims/claims.ts";
import { claimRoutes } from "../features/claims/routes.ts";
import { commandRoutes } from "../features/commands/routes.ts";
import { configurationRoutes } from "../features/configuration/routes.ts";
import { deviceRoutes } from "../features/devices/routes.ts";
import { findDevice } from "../features/device-records/store.ts";
import { emergencyStopRoutes } from "../features/emergency-stop/routes.ts";
import { eventRoutes } from "../features/events/routes.ts";
import { hawkbitAdminRoutes } from "../features/hawkbit/admin-routes.ts";
import { createDoneOnce } from "../features/idempotency/done-once.ts";
import { menderAdminRoutes } from "../features/mender/admin-routes.ts";
import { createCarryOut, createHolding } from "../features/two-persons/holding.ts";
import { createProposals } from "../features/two-persons/proposals.ts";
import { createScopeGuard } from "../features/scopes/scopes.ts";
import { twoPersonRoutes } from "../features/two-persons/routes.ts";
import { createRule } from "../features/two-persons/rule.ts";
import { type OidcDoor, oidcRoutes } from "../features/oidc/routes.ts";
import { OidcProvider } from "../features/oidc/provider.ts";
import { Passkeys } from "../features/passkeys/passkeys.ts";
import { passkeyRoutes } from "../features/passkeys/routes.ts";
import { createMonitoring } from "../features/monitoring/monitoring.ts";
import { fleetHistoryRoutes } from "../features/fleet-history/routes.ts";
import { metricRoutes } from "../features/metric-history/routes.ts";
import { failureRoutes } from "../features/failures/routes.ts";
import { createReleaseDetails } from "../features/releases/details.ts";
import { rehearsalRoutes } from "../features/rehearsals/routes.ts";
import { releaseRoutes } from "../features/releases/routes.ts";
import { rolloutTemplateRoutes } from "../features/rollout-templates/routes.ts";
import { createRolloutTemplates } from "../features/rollout-templates/templates.ts";
import { createCourses } from "../features/rollouts/course.ts";
import { rolloutRoutes } from "../features/rollouts/routes.ts";
import { serverSettingsRoutes } from "../features/server-settings/routes.ts";
import { releaseStateRoutes } from "../features/release-states/routes.ts";
import { trustRoutes } from "../features/trust/routes.ts";
import { webhookRoutes } from "../features/webhooks/routes.ts";
import { createApp } from "../http/app.ts";
import type { BoundRoute } from "../http/bind.ts";
import { requestsPerMinuteDefault } from "../http/request-allowance.ts";
import { newId } from "../identifiers.ts";
import { ownRoutes } from "../http/own-routes.ts";
import type { Counters } from "../features/monitoring/counters.ts";
import type { DeviceLink } from "../mqtt/device-link.ts";
import type { Features } from "./features.ts";
import type { Foundation } from "./foundation.ts";
import type { ServerOptions } from "./server-options.ts";
import { shownSettings } from "./shown-settings.ts";

/** What people are, and the ways by which they sign in. */
const peoplesRoutes = (options: ServerOptions, { storage, accounts, clock, log }: Foundation): BoundRoute[] => [
  ...sessionRoutes(accounts),
  ...passkeyRoutes(
    new Passkeys({ storage, clock, log, challenges: accounts.challenges, publicUrl: options.publicUrl }),
    accounts,
  ),
  ...oidcRoutes(oidcDoor(options, { storage, clock, log }), accounts),
  ...accountRoutes(createAccountManagement(storage, accounts, clock.wallMs), accounts),
];

export function createInterface(
  options: ServerOptions,
  {
    counters,
    link,
  }: { counters: Counters; link: Pick<DeviceLink, "isUp" | "port" | "pskPort" | "webSocketPort" | "tlsPort"> },
  foundation: Foundation,
  features: Features,
  claims: Claims,
): Express {
  const { sessions, deviceCounts } = features;
  const { emergencyStop, trustReplacement, foreign } = features;
  const { storage, accounts, trust, clock, log, members } = foundation;
  const brokerRights = createBrokerRights({
    authenticate: (deviceId, password) => sessions.authenticate(deviceId, password),
    isServed: async (deviceId) => (await findDevice(storage.db, deviceId))?.revokedAt === null,
  });
  const isServing = (): boolean => members?.membership.isServing ?? true;
  const monitoring = createMonitoring({
    ...{ storage, counters, summary: () => deviceCounts.summary(null), isStopped: () => emergencyStop.view().stopped },
    countSessions: () => sessions.online().length,
    ...{ isLinkUp: () => link.isUp, isServing },
  });
  const audit = createAudit(storage, clock.wallMs);
  const rule = createRule(storage);
  const proposals = createProposals(
    storage,
    clock,
    createCarryOut(() => bound, audit, storage.db),
  );
  const bound: readonly BoundRoute[] = [
    ownRoutes(isServing),
    peoplesRoutes(options, foundation),
    auditRoutes(audit),
    twoPersonRoutes(rule, proposals),
    deviceRoutesOf(features),
    metricRoutes(features.metrics),
    fleetHistoryRoutes(features.fleetCounting),
    serverSettingsRoutes(shownSettings(options, link, clock.wallMs())),
    commandRoutes(features.commands, features.commandMany),
    configurationRoutes(features.configurations, features.desiring),
    claimRoutes(claims),
    ...releaseAndRolloutRoutes(foundation, features),
    trustRoutes(storage.db, trust, trustReplacement),
    emergencyStopRoutes(emergencyStop),
    attentionRoutes(features.attention),
    eventRoutes(features, accounts),
    webhookRoutes(features.webhookDesk),
    brokerRightsRoutes(brokerRights, clock.steadyMs),
    adminRoutesOf(foreign),
  ].flat();
  return createApp({
    ...{ monitoring, metricsToken: options.metricsToken, durations: counters.requests },
    accounts,
    holding: createHolding(rule, proposals),
    withinScope: createScopeGuard(storage.db),
    auditing: createAuditing({ audit, log, steadyMs: clock.steadyMs }),
    once: createDoneOnce({ storage, serverStart: newId(), nowMs: clock.wallMs, log }),
    requestsPerMinute: options.requestsPerMinute ?? requestsPerMinuteDefault,
    bound,
    otherInterfaces: routersOf(foreign),
    brokerSecret: options.brokerSecret,
    allowedOrigins: [...(options.allowedOrigins ?? []), ...(options.publicUrl ? [options.publicUrl.origin] : [])],
    trustProxy: options.trustProxy ?? false,
    mqttWebSocketPort: () => link.webSocketPort,
    consoleDir: options.consoleDir ?? fileURLToPath(new URL("../../../web/dist", import.meta.url)),
    log,
  });
}

const deviceRoutesOf = ({ devices, deviceCounts, boards, clearConflict, ...others }: Features): BoundRoute[] => {
  const { deviceDeletion, whys, tagMany, deviceViews } = others;
  return deviceRoutes(devices, deviceCounts, boards, clearConflict, deviceDeletion, whys, tagMany, deviceViews);
};
const releaseAndRolloutRoutes = (
  { storage, clock, files }: Pick<Foundation, "storage" | "clock" | "files">,
  { releases, releaseStates, rollouts, whys, emergencyStop, rehearsals }: Features,
): BoundRoute[][] => [
  releaseRoutes(releases, createReleaseDetails({ db: storage.db, files, releases })),
  releaseStateRoutes(releaseStates),
  rolloutRoutes(rollouts, whys, createCourses({ db: storage.db, clock, brake: emergencyStop })),
  failureRoutes(storage.db),
  rehearsalRoutes(rehearsals),
  rolloutTemplateRoutes(createRolloutTemplates({ storage, now: clock.wallMs })),
];

const adminRoutesOf = ({ hawkbit, mender, awsIot }: Features["foreign"]): BoundRoute[] => [
  ...hawkbitAdminRoutes(hawkbit?.registration),
  ...menderAdminRoutes(mender?.authSets),
  ...awsIotAdminRoutes(awsIot?.registration),
];

const routersOf = ({ hawkbit, mender, awsIot }: Features["foreign"]): RequestHandler[] =>
  [hawkbit?.router, mender?.router, awsIot?.router].filter((each) => each !== undefined);

function oidcDoor(
  { oidc }: ServerOptions,
  { storage, clock, log }: Pick<Foundation, "storage" | "clock" | "log">,
): OidcDoor | undefined {
  if (oidc === undefined) return undefined;
  const provider = new OidcProvider(oidc, log, clock.steadyMs);
  provider.prepare();
  return { provider, entering: { storage, clock, oidc } };
}
