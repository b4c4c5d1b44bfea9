// The tables, as Kysely sees them, each described in the file of its area (tables/). Times are milliseconds since 1970.
// What a column is in each dialect: column-types.ts; booleans are listed there.

import type {
  ClaimTable,
  CollectedLogTable,
  CommandTable,
  ConfigurationTable,
  DeviceCountTable,
  DeviceLogTable,
  DeviceSecretTable,
  DeviceSeenTable,
  DeviceTable,
  DeviceTagTable,
  DeviceViewTable,
} from "./tables/devices.ts";
import type {
  FleetSampleTable,
  MetricHourTable,
  MetricPointTable,
  MetricSeriesTable,
  RetentionSpanTable,
  RetentionSweepTable,
} from "./tables/measurements.ts";
import type {
  AwsExecutionTable,
  AwsThingTable,
  HawkbitTargetTable,
  MenderAuthSetTable,
  OtherAgentActionTable,
  PayloadHashesTable,
  PayloadNameTable,
} from "./tables/other-agents.ts";
import type {
  AccountTable,
  ApiTokenTable,
  ChallengeTable,
  PasskeyTable,
  RecoveryCodeTable,
  SignInCounterTable,
  SignInWelcomeTable,
  UsedOnceTable,
  UserSessionTable,
} from "./tables/people.ts";
import type { AuditHeadTable, AuditLineTable, IdempotentRequestTable, ProposalTable } from "./tables/record.ts";
import type {
  FileToRemoveTable,
  ImageTable,
  NamedVersionTable,
  PermitTable,
  ReleaseStateTable,
  ReleaseTable,
} from "./tables/releases.ts";
import type {
  DecisionTable,
  DeploymentCountTable,
  DeploymentTable,
  HealthFailureTable,
  HealthLookTable,
  HealthTestTable,
  RehearsalTable,
  RolloutRequestTable,
  RolloutTable,
  RolloutTargetTable,
  RolloutTemplateTable,
} from "./tables/rollouts.ts";
import type { ChangeTable, DeviceOwnerTable, MemberTable, MetaTable, ShardLeaseTable } from "./tables/servers.ts";
import type { WebhookDeliveryTable, WebhookSecretTable, WebhookTable } from "./tables/webhooks.ts";

export type * from "./tables/devices.ts";
export type * from "./tables/measurements.ts";
export type * from "./tables/other-agents.ts";
export type * from "./tables/people.ts";
export type * from "./tables/record.ts";
export type * from "./tables/releases.ts";
export type * from "./tables/rollouts.ts";
export type * from "./tables/servers.ts";
export type * from "./tables/webhooks.ts";

export interface Schema {
  rehearsals: RehearsalTable;
  webhooks: WebhookTable;
  webhookSecrets: WebhookSecretTable;
  webhookDeliveries: WebhookDeliveryTable;
  meta: MetaTable;
  accounts: AccountTable;
  userSessions: UserSessionTable;
  usedOnce: UsedOnceTable;
  passkeys: PasskeyTable;
  recoveryCodes: RecoveryCodeTable;
  challenges: ChallengeTable;
  apiTokens: ApiTokenTable;
  auditLines: AuditLineTable;
  auditHead: AuditHeadTable;
  proposals: ProposalTable;
  idempotentRequests: IdempotentRequestTable;
  claims: ClaimTable;
  devices: DeviceTable;
  deviceCounts: DeviceCountTable;
  devicesSeen: DeviceSeenTable;
  deviceViews: DeviceViewTable;
  deviceTags: DeviceTagTable;
  deviceSecrets: DeviceSecretTable;
  deviceLog: DeviceLogTable;
  metricSeries: MetricSeriesTable;
  metricPoints: MetricPointTable;
  metricHours: MetricHourTable;
  fleetSamples: FleetSampleTable;
  retentionSpans: RetentionSpanTable;
  retentionSweeps: RetentionSweepTable;
  releases: ReleaseTable;
  images: ImageTable;
  filesToRemove: FileToRemoveTable;
  namedVersions: NamedVersionTable;
  permits: PermitTable;
  releaseStates: ReleaseStateTable;
  rollouts: RolloutTable;
  rolloutRequests: RolloutRequestTable;
  rolloutTargets: RolloutTargetTable;
  rolloutTemplates: RolloutTemplateTable;
  deployments: DeploymentTable;
  deploymentCounts: DeploymentCountTable;
  changes: ChangeTable;
  decisions: DecisionTable;
  healthTests: HealthTestTable;
  healthLooks: HealthLookTable;
  healthFailures: HealthFailureTable;
  commands: CommandTable;
  collectedLogs: CollectedLogTable;
  configurations: ConfigurationTable;
  members: MemberTable;
  deviceOwners: DeviceOwnerTable;
  shardLeases: ShardLeaseTable;
  signInCounters: SignInCounterTable;
  signInWelcome: SignInWelcomeTable;
  hawkbitTargets: HawkbitTargetTable;
  otherAgentActions: OtherAgentActionTable;
  payloadHashes: PayloadHashesTable;
  payloadNames: PayloadNameTable;
  menderAuthSets: MenderAuthSetTable;
  awsThings: AwsThingTable;
  awsExecutions: AwsExecutionTable;
}
