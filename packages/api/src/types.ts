// The resources as types. Nothing of this is there at run time: a browser that imports it loads no schema.

import type { z } from "zod";
import type { EventKind } from "./event-kinds.ts";
import type * as accounts from "./resources/accounts.ts";
import type * as attention from "./resources/attention.ts";
import type * as audit from "./resources/audit.ts";
import type * as claims from "./resources/claims.ts";
import type * as commands from "./resources/commands.ts";
import type * as configurations from "./resources/configuration.ts";
import type * as deployments from "./resources/deployments.ts";
import type * as deviceViews from "./resources/device-views.ts";
import type * as devices from "./resources/devices.ts";
import type * as mender from "./resources/mender.ts";
import type * as fleetHistory from "./resources/fleet-history.ts";
import type * as serverSettings from "./resources/server-settings.ts";
import type * as stops from "./resources/emergency-stop.ts";
import type * as events from "./resources/events.ts";
import type * as healthGate from "./resources/health-gate.ts";
import type * as oidc from "./resources/oidc.ts";
import type * as metrics from "./resources/metrics.ts";
import type * as passkeys from "./resources/passkeys.ts";
import type * as problems from "./resources/problems.ts";
import type * as failures from "./resources/failures.ts";
import type * as rehearsals from "./resources/rehearsals.ts";
import type * as releases from "./resources/releases.ts";
import type * as releaseStates from "./resources/release-states.ts";
import type * as course from "./resources/rollout-course.ts";
import type * as templates from "./resources/rollout-templates.ts";
import type * as rules from "./resources/rollout-rules.ts";
import type * as rollouts from "./resources/rollouts.ts";
import type * as session from "./resources/session.ts";
import type * as tokens from "./resources/tokens.ts";
import type * as trusts from "./resources/trust.ts";
import type * as twoPersons from "./resources/two-persons.ts";
import type * as userSessions from "./resources/user-sessions.ts";
import type * as webhooks from "./resources/webhooks.ts";
import type * as whys from "./resources/why.ts";

export type EmergencyStop = z.output<typeof stops.emergencyStop>;
export type AttentionItem = z.output<typeof attention.attentionItem>;
export type Why = z.output<typeof whys.why>;

export type NewRehearsal = z.input<typeof rehearsals.newRehearsal>;
export type CompleteNewRehearsal = z.output<typeof rehearsals.newRehearsal>;
export type Rehearsal = z.output<typeof rehearsals.rehearsal>;
export type RehearsalState = z.output<typeof rehearsals.rehearsalState>;
export type RehearsalAnswer = z.output<typeof rehearsals.rehearsalAnswer>;
export type RehearsedFleet = z.output<typeof rehearsals.rehearsedFleet>;
export type RehearsedWorld = z.output<typeof rehearsals.rehearsedWorld>;

export type Problem = z.output<typeof problems.problem>;

export type User = z.output<typeof session.user>;
export type Account = z.output<typeof accounts.account>;
export type SignInWays = z.output<typeof oidc.signInWays>;
export type Passkey = z.output<typeof passkeys.passkey>;
export type PasskeyAnswer = z.output<typeof passkeys.passkeyAnswer>;
export type UserSession = z.output<typeof userSessions.userSession>;
export type ApiToken = z.output<typeof tokens.apiToken>;
export type Proposal = z.output<typeof twoPersons.proposal>;
export type TwoPersonRule = z.output<typeof twoPersons.twoPersonRule>;
export type AuditSaid = z.output<typeof audit.auditSaid>;
export type AuditPage = z.output<typeof audit.auditPage>;

export type Deployment = z.output<typeof deployments.deployment>;

export type SlotName = z.output<typeof devices.slotName>;
export type MenderAuthSet = z.output<typeof mender.menderAuthSet>;
export type MenderAuthSetPage = z.output<typeof mender.menderAuthSetPage>;
export type MenderAuthSetState = z.output<typeof mender.menderAuthSetState>;
export type AgentKind = z.output<typeof devices.agentKind>;
export type Health = z.output<typeof devices.health>;
export type EntropyState = z.output<typeof devices.entropyState>;
export type TrustRelation = z.output<typeof devices.trustRelation>;
export type RunningSlot = z.output<typeof devices.runningSlot>;
export type OtherSlot = z.output<typeof devices.otherSlot>;
export type Device = z.output<typeof devices.device>;
export type DeviceGroup = z.output<typeof devices.deviceGroup>;
export type DeviceGroupPage = z.output<typeof devices.deviceGroupPage>;
export type { DeviceGroupedBy } from "./device-groupings.ts";
export type FleetHistory = z.output<typeof fleetHistory.fleetHistoryAnswer>;
export type ServerSettings = z.output<typeof serverSettings.serverSettings>;
export type DeviceView = z.output<typeof deviceViews.deviceView>;
export type NewDeviceView = z.input<typeof deviceViews.newDeviceView>;
export type DeviceSummary = z.output<typeof devices.deviceSummary>;
export type DeviceDetail = z.output<typeof devices.deviceDetail>;
export type DeviceLogEntry = z.output<typeof devices.deviceLogEntry>;

export type DeviceMetric = z.output<typeof metrics.deviceMetric>;
export type MetricPoint = z.output<typeof metrics.metricPoint>;
export type MetricHistoryPage = z.output<typeof metrics.metricHistoryPage>;

/** As a client may say it. */
export type NewCommand = z.input<typeof commands.newCommand>;
export type CommandState = z.output<typeof commands.commandState>;
export type Command = z.output<typeof commands.command>;

export type CollectedLog = z.output<typeof commands.collectedLog>;

export type ConfigurationDocument = z.output<typeof configurations.configurationDocument>;
export type ConfigurationState = z.output<typeof configurations.configurationState>;
export type ConfigurationRefusal = z.output<typeof configurations.configurationRefusal>;
export type Configuration = z.output<typeof configurations.configuration>;
export type PastConfiguration = z.output<typeof configurations.pastConfiguration>;

export type Claim = z.output<typeof claims.claim>;
export type ClaimPage = z.output<typeof claims.claimPage>;

export type ReleaseImage = z.output<typeof releases.releaseImage>;
export type Release = z.output<typeof releases.release>;
export type ReleaseDetail = z.output<typeof releases.releaseDetail>;
export type ReleaseDifference = z.output<typeof releases.releaseDifference>;
export type FailureCluster = z.output<typeof failures.failureCluster>;
export type RolloutCourse = z.output<typeof course.rolloutCourse>;
export type RolloutEstimate = z.output<typeof course.estimate>;

export type TrustKey = z.output<typeof trusts.trustKey>;
export type TrustLink = z.output<typeof trusts.trustLink>;
export type ReleaseState = z.output<typeof releaseStates.releaseState>;
export type TrustSpread = z.output<typeof trusts.trustSpread>;
export type Trust = z.output<typeof trusts.trust>;

export type HealthMetric = z.output<typeof healthGate.healthMetric>;
export type HealthSettings = z.output<typeof healthGate.healthSettings>;
export type HealthTest = z.output<typeof healthGate.healthTest>;

export type WaveSpec = z.input<typeof rules.waveSpec>;
export type LaterWave = z.output<typeof rules.laterWave>;
export type WaveRules = z.output<typeof rules.waveRules>;
export type MaintenanceWindow = z.output<typeof rules.maintenanceWindow>;
export type Maintenance = z.output<typeof rules.maintenance>;
export type RetryRule = z.output<typeof rules.retryRule>;
export type RuleChange = z.output<typeof rollouts.ruleChange>;
export type HeldFor = z.output<typeof rollouts.heldFor>;
/** As a client may say it. */
export type NewRollout = z.input<typeof rollouts.newRollout>;
/** With every default. */
export type CompleteNewRollout = z.output<typeof rollouts.newRollout>;
export type RolloutSettings = z.output<typeof templates.rolloutSettings>;
export type RolloutTemplate = z.output<typeof templates.rolloutTemplate>;
export type NewRolloutTemplate = z.output<typeof templates.newRolloutTemplate>;
export type RolloutOrder = CompleteNewRollout["order"];
export type Decision = z.output<typeof rollouts.decision>;
export type Preflight = z.output<typeof rollouts.preflight>;
export type PreflightProblem = z.output<typeof rollouts.preflightProblem>;
export type Rejection = z.output<typeof rollouts.rejection>;
export type Misfit = z.output<typeof rollouts.misfit>;
export type WaveState = z.output<typeof rollouts.waveState>;
export type WaveProgress = z.output<typeof rollouts.waveProgress>;
export type RolloutState = z.output<typeof rollouts.rolloutState>;
export type StateCounts = z.output<typeof rollouts.stateCounts>;
export type RolloutSummary = z.output<typeof rollouts.rolloutSummary>;
export type Rollout = z.output<typeof rollouts.rollout>;

export type Webhook = z.output<typeof webhooks.webhook>;
export type NewWebhook = z.output<typeof webhooks.newWebhook>;
export type WebhookChange = z.output<typeof webhooks.webhookChange>;
export type WebhookChannel = z.output<typeof webhooks.webhookChannel>;
export type WebhookDelivery = z.output<typeof webhooks.webhookDelivery>;

export type PolledEvents = z.output<typeof events.polledEvents>;

type EventSchemas = (typeof events.streamEvents)["answer"]["events"];
/** What changed, and the whole of it as it is now. */
export type LiveEvent = { [K in EventKind]: { kind: K; data: z.output<EventSchemas[K]> } }[EventKind];
