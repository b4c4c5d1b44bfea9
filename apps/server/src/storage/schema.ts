// The tables, as Kysely sees them. Times are milliseconds since 1970. What a column is in each
// dialect: column-types.ts; booleans are listed there.

import type { Role } from "@flipside/api/permissions";
import type {
  AgentKind,
  Command,
  CommandState,
  ConfigurationState,
  EntropyState,
  Health,
  HeldFor,
  MenderAuthSetState,
  RehearsalState,
  RolloutState,
  WebhookChannel,
} from "@flipside/api/types";
import type { BootReasonName, DeploymentStateName, SlotStateName } from "@flipside/image-format";
import type { JobStatus } from "@flipside/protocol/thing-messages";
import type { HealthSide } from "../domain/health/metrics.ts";
import type { Generated, GeneratedAlways, Insertable, Selectable, Updateable } from "kysely";

export interface MetaTable {
  key: string;
  value: Buffer;
}

export interface AccountTable {
  userName: string;
  role: Role;
  passwordHash: string;
  mustChangePassword: boolean;
  createdAt: number;
  lastSignedInAt: number | null;
  /** Of an account that signs in at an OpenID provider, and has no password; null: it has one. */
  oidcIssuer: string | null;
  /** What it is known by there. */
  oidcSubject: string | null;
  /** JSON: tags of the devices that it sees; null: the whole fleet. */
  scope: string | null;
}

/** Of a person. */
export interface UserSessionTable {
  id: string;
  /** SHA-256 of what its cookie holds, hex. */
  hash: string;
  userName: string;
  startedAt: number;
  lastSeenAt: number;
  /** Of steady time. */
  endsAt: number;
  address: string;
  client: string;
  /** What it is known by at the OpenID provider, if it was begun there and the provider says so. */
  oidcSession: string | null;
  /** The provider's ID token, sealed with the session itself. */
  oidcToken: string | null;
}

/** A second factor of an account's. */
export interface PasskeyTable {
  id: string;
  /** As the browser knows it, base64url. */
  credentialId: string;
  userName: string;
  name: string;
  /** COSE, base64url. */
  publicKey: string;
  /** How often it has signed, as it counts itself; many don't, and stay at 0. */
  counter: number;
  /** JSON: how browsers reach it. */
  transports: string;
  isSynced: boolean;
  createdAt: number;
  lastUsedAt: number | null;
}

/** Stands in for a passkey once. */
export interface RecoveryCodeTable {
  /** SHA-256 of it, hex. */
  hash: string;
  userName: string;
}

/** What a browser is asked to have signed by a passkey: to make one, or for the second step of a sign-in. */
export interface ChallengeTable {
  /** SHA-256 of what it is known by, hex. */
  hash: string;
  userName: string;
  /** base64url */
  challenge: string;
  triesLeft: number;
  /** Of steady time. */
  endsAt: number;
}

/** What counts once: its hash, until nobody could come with it anyway. */
export interface UsedOnceTable {
  hash: string;
  /** Of steady time. */
  endsAt: number;
}

export interface ApiTokenTable {
  id: string;
  /** SHA-256 of it, hex. */
  hash: string;
  userName: string;
  name: string;
  /** JSON: Permission[]. */
  permissions: string;
  /** JSON: tags of the devices that it sees, if its account does; null: all that its account sees. */
  scope: string | null;
  createdAt: number;
  /** Of steady time. */
  endsAt: number;
  lastUsedAt: number | null;
}

/** What one person has asked for, and another one is to confirm. */
export interface ProposalTable {
  id: string;
  operation: string;
  /** JSON of params, query and body, or of a file in base64. */
  request: string;
  userName: string;
  state: "waiting" | "begun" | "done" | "refused" | "withdrawn";
  askedAt: number;
  /** Of steady time. */
  endsAt: number;
  decidedBy: string | null;
  decidedAt: number | null;
  code: string | null;
}

/** Who did what; each line's hash covers the one before it (packages/api/src/audit-chain.ts). */
export interface AuditLineTable {
  number: number;
  /** What is hashed: JSON of AuditSaid. The other columns are of it, to be found by. */
  text: string;
  hash: string;
  at: number;
  who: string | null;
  what: string;
}

/** A request that came with an `Idempotency-Key`. */
export interface IdempotentRequestTable {
  userName: string;
  /** SHA-256 of the key. */
  keyHash: string;
  /** SHA-256 of what was asked for. */
  fingerprint: string;
  startedAt: number;
  /** Which start of which server deals with it. */
  serverStart: string;
  /** Null: it is under way, or its server ended meanwhile. */
  status: number | null;
  /** JSON; null besides a status: it holds a secret, and is not kept. */
  answer: string | null;
}

/** One row: the newest line, and the last one that was removed because of its age. */
export interface AuditHeadTable {
  id: number;
  number: number;
  hash: string;
  startNumber: number;
  startHash: string;
}

/** Whether an operator looks at a device before it is let in. */
export type ClaimApproval = "not-needed" | "needed" | "given";

export interface ClaimTable {
  deviceId: string;
  secret: Buffer;
  createdAt: number;
  /** Nobody enrols by it after; null: it holds for ever. */
  endsAt: number | null;
  /** How often somebody may still enrol by it; null: as often as they like. */
  enrolmentsLeft: number | null;
  lastEnrolledAt: number | null;
  /** The one key that may enrol; null: the first that proves the claim. */
  publicKey: Buffer | null;
  approval: Generated<ClaimApproval>;
  /** The key that proved the claim and waits for approval. */
  askedKey: Buffer | null;
  askedAt: number | null;
}

export interface DeviceTable {
  id: string;
  publicKey: Buffer;
  enrolledAt: number;
  revokedAt: number | null;
  lastSeenAt: number | null;
  product: string | null;
  hardware: string | null;
  revision: number | null;
  loaderVersion: number | null;
  trustVersion: number | null;
  /** SHA-256 of the device's trust chain, hex; null from an older agent. */
  trustDigest: string | null;
  entropy: EntropyState | null;
  /** The last record that the device refused, and the error code; null when it refused none. */
  trustRefusedVersion: number | null;
  trustRefusedCode: number | null;
  securityFloor: number | null;
  slotBytes: number | null;
  bootCounter: number | null;
  bootReason: BootReasonName | null;
  health: Health;
  /** JSON of the slots as checked in, or null before the first check-in. */
  running: string | null;
  other: string | null;
  /** JSON of the server's address, as checked in. */
  connection: string | null;
  metricName: string | null;
  metricValue: number | null;
  /** JSON of what it says of itself, as checked in; null when it says nothing. */
  attributes: string | null;
  /** JSON of StoredTrail (device-records/board-trail.ts); null: nothing was noted. */
  boardTrail: string | null;
  /** Two boards say that they are it, until this moment of steady time; null: they never did, or it was cleared. */
  conflictUntil: number | null;
  /** What speaks for it: an agent of ours, or another one by hawkBit's DDI. */
  agent: Generated<AgentKind>;
  /** What has become of the newest configuration that is desired of it. */
  configurationState: Generated<ConfigurationState>;
  /** Number of that one; null: nobody has set any. */
  configurationDesired: number | null;
  /** JSON of ReportedConfiguration (features/configuration): what it says is in force; null: none. */
  configurationReported: string | null;
  /** Digest of the image that has refused the desired one: another one may take it. */
  configurationRefusedBy: string | null;
  /** Nobody any more: deployments of the past name it, under another id than it had. */
  deletedAt: number | null;
  /** Members of `running`. */
  runningDigest: GeneratedAlways<string | null>;
  runningVersion: GeneratedAlways<string | null>;
  runningState: GeneratedAlways<SlotStateName | null>;
  runningSequence: GeneratedAlways<number | null>;
  /** Members of `other`. */
  otherDigest: GeneratedAlways<string | null>;
  otherState: GeneratedAlways<SlotStateName | null>;
}

/** `devices.lastSeenAt` once more, kept by triggers (migration 0040); -1: never. */
export interface DeviceSeenTable {
  deviceId: string;
  at: number;
}

/** A list of devices that somebody keeps under a name. */
export interface DeviceViewTable {
  id: string;
  /** User name. */
  owner: string;
  name: string;
  /** 1: for everybody. */
  shared: number;
  filter: string;
  query: string;
  sort: string;
  /** JSON of their names; null: those that everybody begins with. */
  columns: string | null;
  /** Of its owner when it was kept: it may name what others are not to know of. */
  scope: string | null;
  savedAt: number;
}

/**
 * How many devices are of a kind: the sum of its rows. Triggers add one at each change, and rows are added up now and
 * then (features/devices/device-counts.ts).
 */
export interface DeviceCountTable {
  id: Generated<number>;
  health: Health;
  version: string | null;
  /** 0 or 1; 2: deleted. */
  revoked: number;
  count: number;
}

export interface DeviceTagTable {
  deviceId: string;
  tag: string;
}

export interface DeviceSecretTable {
  deviceId: string;
  /** Ascends with each enrolment; secrets older than one that was used are deleted. */
  generation: number;
  secret: Buffer;
}

export interface DeviceLogTable {
  id: Generated<number>;
  deviceId: string;
  at: number;
  kind: string;
  detail: string;
}

/** A device's metric by its name. */
export interface MetricSeriesTable {
  id: Generated<number>;
  deviceId: string;
  name: string;
}

/** What was reported. `at`: of the wall clock, when it arrived. */
export interface MetricPointTable {
  seriesId: number;
  at: number;
  value: number;
}

/** All that was reported in an hour, also when its points are gone. */
export interface MetricHourTable {
  seriesId: number;
  /** When the hour began. */
  hour: number;
  count: number;
  sum: number;
  min: number;
  max: number;
  last: number;
  lastAt: number;
}

export interface ReleaseTable {
  id: string;
  product: string;
  version: string;
  releaseSequence: number;
  description: string | null;
  uploadedAt: number;
  uploadedBy: string;
  archivedAt: number | null;
  /** Its images are gone; rollouts of the past tell of it. */
  deletedAt: number | null;
}

export interface ImageTable {
  /** SHA-256 of the header, hex. */
  digest: string;
  releaseId: string;
  hardware: string;
  revisionMin: number;
  revisionMax: number;
  securityCounter: number;
  keyId: string;
  header: Buffer;
  signatureBlock: Buffer;
  /** In the folder of images. */
  fileName: string;
  /** SHA-256 of the file, hex; null until it was looked at, for images stored before there was this column. */
  fileDigest: string | null;
  sizeBytes: number;
  tableOffset: number;
  payloadOffset: number;
  payloadBytes: number;
  chunkBytes: number;
  chunkCount: number;
}

/** Files of images that are gone (releases/file-removal.ts). */
export interface FileToRemoveTable {
  fileName: string;
  /** It is being removed: whoever wants it waits. */
  claimedAt: number | null;
}

export interface NamedVersionTable {
  digest: string;
  version: string;
}

export interface PermitTable {
  digest: string;
  /** Hex of SHA-256 of the device id, or empty for any device. */
  deviceHash: string;
  permit: Buffer;
  createdAt: number;
}

export interface RolloutTable {
  id: string;
  name: string;
  releaseId: string;
  state: RolloutState;
  pauseReason: string | null;
  currentWave: number;
  /** JSON: devices in each wave. */
  waveTotals: string;
  allowOlder: boolean;
  /** JSON: tags, one of which each of its devices has, as whoever made it sees no others; null: any device. */
  scope: string | null;
  /** JSON: WaveRules of each wave. */
  rules: string;
  /** JSON: RetryRule[]. */
  retries: string;
  /** JSON: Maintenance; null: offers are made at any time. */
  maintenance: string | null;
  /** JSON: Approval[]. */
  approvals: string;
  heldFor: HeldFor | null;
  /** Of steady time, as deadlines are; null: at once. */
  nextOfferAt: number | null;
  /** JSON: `{"wave"?: number}`, to be carried out; null: nothing is. */
  rollBackDue: string | null;
  /** JSON: Sweep[] that are being carried out (features/deployments/sweeps.ts); null: none is. */
  sweeps: string | null;
  /** What an agent claims, and nothing has proven yet, counts as confirmed. */
  acceptsClaimed: Generated<boolean>;
  /** JSON of Preparation, while it is being made (features/rollouts/preparation.ts); null: it is whole. */
  preparing: string | null;
  /** Of steady time, as deadlines are. */
  soakUntil: number | null;
  lateOffersMs: number;
  urgent: boolean;
  /** JSON: what the operator accepted by resuming, of each wave that had started. */
  accepted: string;
  /** JSON of HealthSettings, with every limit; null: there is no health gate. */
  health: string | null;
  /** Kept, so that nobody has to count them. */
  decisionCount: number;
  /** The filter that its devices were found by, as it was written; null when they were named, or are all. */
  targetFilter: string | null;
  /** Devices that come to match join it, as long as it runs or is paused. */
  targetOpen: boolean;
  /** Id of the rollout that ended it by its start. */
  supersededBy: string | null;
  /** JSON of StoredRequest (rollouts/stored-request.ts); null: made by an older server. */
  request: string | null;
  /** Id of the HTTP request by which it was made; null: by none, or by an older server. */
  requestId: string | null;
  archivedAt: number | null;
  /** It is not shown any more, and goes a piece at a time (rollouts/deletion.ts). */
  deletedAt: number | null;
  createdAt: number;
  createdBy: string;
  finishedAt: number | null;
}

/** What was asked for, of a rollout that is being made, or never was: a device that is named may have no deployment. */
export interface RolloutRequestTable {
  rolloutId: string;
  /** JSON of CompleteNewRollout. */
  request: string;
}

/** Settings of rollouts, kept under a name. */
export interface RolloutTemplateTable {
  id: string;
  name: string;
  /** JSON of RolloutSettings. */
  settings: string;
  savedAt: number;
  savedBy: string;
}

/** Devices of a rollout that is being made, until they have their deployments. */
export interface RolloutTargetTable {
  rolloutId: string;
  /** What they are ordered by. */
  place: string;
  deviceId: string;
  /** Of the image that fits. */
  digest: string;
}

export interface DeploymentTable {
  id: string;
  /** Order of creation. */
  position: Generated<number>;
  rolloutId: string;
  deviceId: string;
  digest: string;
  wave: number;
  attempt: number;
  state: DeploymentStateName;
  code: number;
  done: number;
  total: number;
  createdAt: number;
  updatedAt: number;
  offeredAt: number | null;
  deadlineAt: number | null;
  /** Of steady time: it is not tried again before. */
  notBefore: number | null;
  /** What its device ran when it was last offered; digest, hex. */
  cameFrom: string | null;
  finishedAt: number | null;
}

/** How many deployments of a rollout's wave are in a state; changed in the transaction that changes the state. */
export interface DeploymentCountTable {
  rolloutId: string;
  wave: number;
  state: DeploymentStateName;
  count: number;
}

/** The outbox (outbox.ts). */
export interface ChangeTable {
  position: Generated<number>;
  kind: "device" | "release" | "rollout" | "targets" | "deployment" | "fact";
  id: string;
  /** JSON of what else is said of it. */
  detail: string | null;
  /** Which of several servers has written it. */
  member: string | null;
}

/** Servers that use the database together (members/). Times are of the database's clock. */
export interface MemberTable {
  id: string;
  /** As people know it; of one that is alive at a time. */
  name: string;
  startedAt: number;
  heartbeatAt: number;
  /** Steady time of the fleet, at the heartbeat. */
  steadyMs: number;
  /** 1: as many devices download there as it serves well. */
  isFull: number;
  /** 1: it hears devices through a broker of the operator's, and takes a share of their shards. */
  isAtBroker: number;
  /** The others have given it up, and taken from it what it had. */
  deadAt: number | null;
}

/** Which member has a device's session, once it had one. */
export interface DeviceOwnerTable {
  deviceId: string;
  /** Null: none any more. */
  memberId: string | null;
  /** Counts each taking and each taking away: whoever has an older one has nothing. */
  generation: number;
  /** 1: nothing was heard of it for longer than a device that is there is silent. */
  isSilent: number;
  since: number;
}

/** Which member hears the devices of a shard, where these come through a broker of the operator's. */
export interface ShardLeaseTable {
  /** As topics name it: two hex digits. */
  shard: string;
  /** Null, or of a member that is not alive: nobody's. */
  memberId: string | null;
  /** Counts each taking and each giving back. */
  generation: number;
  since: number;
}

/** Failed sign-ins, counted across members (features/accounts/shared-attempts.ts). */
export interface SignInCounterTable {
  kind: "address" | "account";
  key: string;
  failures: number;
  since: number;
  nextAt: number;
}

/** Networks that gave an account's right password. */
export interface SignInWelcomeTable {
  account: string;
  network: string;
  at: number;
}

export interface DecisionTable {
  id: Generated<number>;
  rolloutId: string;
  at: number;
  text: string;
}

/** A piece of the time in which a server ran (domain/retention-horizon.ts). */
export interface RetentionSpanTable {
  runMs: number;
  earliestAt: number;
  wallAt: number;
  steadyAt: number;
}

/** What the fleet was (features/fleet-history). */
export interface FleetSampleTable {
  /** A quarter of an hour of wall time: its beginning. */
  at: number;
  /** JSON, `DeviceSummary` as it was then. */
  summary: string;
}

/** Of a sweep that is under way, each thing of which old rows go. */
export interface RetentionSweepTable {
  what:
    | "device-log"
    | "telemetry-raw"
    | "telemetry-hours"
    | "decisions"
    | "audit"
    | "proposals"
    | "webhook-deliveries"
    | "fleet-samples"
    | "rehearsals"
    | "idempotent-requests";
  /** What carries a time before this one goes. */
  before: number;
  /** How far it has come, as the thing itself counts; null: it is done. */
  after: number | null;
  removed: number;
}

/** What the health gate has seen of a metric in a rollout, as of its last look. */
export interface HealthTestTable {
  rolloutId: string;
  metric: string;
  /** JSON of Evidence. */
  evidence: string;
  updatedAtRisk: number;
  othersAtRisk: number;
  lookedAt: number;
}

/** What each look was made on. */
export interface HealthLookTable {
  id: Generated<number>;
  rolloutId: string;
  metric: string;
  at: number;
  updatedAtRisk: number;
  updatedFailed: number;
  othersAtRisk: number;
  othersFailed: number;
}

/** Devices that have failed in a rollout: each is counted once. */
export interface HealthFailureTable {
  rolloutId: string;
  metric: string;
  deviceId: string;
  side: HealthSide;
  at: number;
}

export interface CommandTable {
  /** Order in which they were given. */
  position: Generated<number>;
  /** 16 random bytes, hex. */
  id: string;
  deviceId: string;
  kind: Command["kind"];
  host: string | null;
  port: number | null;
  /** Of identify. */
  seconds: number | null;
  /** Of a roll-back: the image that ran when it was given. */
  leavesDigest: string | null;
  /** And the one that lay in the other slot when it was sent. */
  goesToDigest: string | null;
  state: CommandState;
  code: number;
  createdAt: number;
  createdBy: string;
  expiresAt: number;
  /** The last time, if it was sent more than once. */
  sentAt: number | null;
  /** The device's boot counter then: a higher one shows that it has rebooted since. */
  bootWhenSent: number | null;
  finishedAt: number | null;
}

/** What a device's console had said, as a command asked for it. */
export interface CollectedLogTable {
  commandId: string;
  deviceId: string;
  collectedAt: number;
  text: string;
}

/** What was desired of a device, the last of which is. */
export interface ConfigurationTable {
  deviceId: string;
  /** From 1, ascending. */
  number: number;
  /** JSON as the device gets it. */
  document: string;
  /** SHA-256 of that, hex. */
  digest: string;
  createdAt: number;
  createdBy: string;
  /** The last time, if it was sent more than once. */
  sentAt: number | null;
  /** When the device said so first. */
  inForceAt: number | null;
  /** JSON of StoredRefusal (features/configuration); null: it was not refused. */
  refusal: string | null;
}

/** What lets a device in that speaks hawkBit's DDI, and when it said last what it is. */
export interface HawkbitTargetTable {
  deviceId: string;
  /** SHA-256 of its target token; null: it has none, and comes by the gateway's, or by its certificate. */
  tokenHash: Buffer | null;
  createdAt: number;
  attributesAt: number | null;
}

/** A try of a deployment, as a device of another agent knows it. */
export interface OtherAgentActionTable {
  /** Above 0; never given twice. */
  id: Generated<number>;
  deviceId: string;
  deploymentId: string;
  attempt: number;
  /** Of the image. */
  digest: string;
  state: "open" | "cancelling" | "closed";
  /** Polls that were answered with its cancellation, where hawkBit's DDI is spoken. */
  cancelsShown: number;
  createdAt: number;
  /** The device has said that it has succeeded. */
  claimedAt: number | null;
  /** And what it said of itself later has shown it. */
  provenAt: number | null;
}

/** What lets a thing of AWS IoT in, and what it has said of itself. */
export interface AwsThingTable {
  deviceId: string;
  /** SHA-256 of its certificate's DER, hex; null: it has none, and can't come in. */
  certificate: string | null;
  createdAt: number;
  /** Of its shadow; 0: it has never said anything. */
  shadowVersion: number;
}

/** How far an action is, as AWS IoT's jobs have it. */
export interface AwsExecutionTable {
  actionId: number;
  deviceId: string;
  status: JobStatus;
  /** JSON of what the device said last of it; null: nothing. */
  statusDetails: string | null;
  /** One more with each change. */
  version: number;
  startedAt: number | null;
  updatedAt: number;
}

/** Of an image's payload, hex. */
export interface PayloadHashesTable {
  /** Of the image. */
  digest: string;
  sha1: string;
  md5: string;
  sha256: string;
  /** That its file has where an agent goes by names. */
  suffix: string;
}

/** What an image's payload says of itself, as far as it was looked at. */
export interface PayloadNameTable {
  /** Of the image. */
  digest: string;
  /** Mender's artifact_name; null: it is no such artifact, or none that can be read. */
  name: string | null;
  /** JSON: the device types that it is for; null: it does not say. */
  fits: string | null;
}

/** A key that speaks, or would like to speak, for the device of an identity, by Mender's device API. */
export interface MenderAuthSetTable {
  id: string;
  /** SHA-256 of `identity`, hex. */
  identityHash: string;
  /** JSON: what the device says that it is, names in their order. */
  identity: string;
  /** SHA-256 of the key's DER (SubjectPublicKeyInfo), hex. */
  keyHash: string;
  /** PEM. */
  publicKey: string;
  state: MenderAuthSetState;
  /** Set once it was accepted. */
  deviceId: string | null;
  createdAt: number;
  /** When it asked last, to within some minutes; null: never, an operator has brought it. */
  askedAt: number | null;
  /** SHA-256 of its token, hex; null: it has none. */
  tokenHash: string | null;
  /** Of steady time. */
  tokenEndsAt: number | null;
}

/** Who is told of what happens. */
export interface WebhookTable {
  id: string;
  url: string;
  channel: WebhookChannel;
  description: string;
  /** JSON of WebhookEvent[]; null: of everything. */
  events: string | null;
  /** Of this one's alone. */
  rolloutId: string | null;
  /** Null: it is on. */
  disabledBecause: string | null;
  /** Of steady time: nothing has arrived since; null: the last one did. */
  failingSince: number | null;
  createdAt: number;
  createdBy: string;
}

export interface WebhookSecretTable {
  webhookId: string;
  /** Ascends. */
  generation: number;
  secret: Buffer;
  /** Of steady time; null: it is the present one. */
  endsAt: number | null;
}

/** What is to be sent, or was. Times of attempts are of steady time. */
export interface WebhookDeliveryTable {
  position: Generated<number>;
  /** webhook-id. */
  id: string;
  webhookId: string;
  type: string;
  payload: string;
  state: "waiting" | "delivered" | "failed";
  attempts: number;
  /** Null: no more. */
  nextAt: number | null;
  /** Somebody sends it just now; whoever comes later waits until then. */
  claimedUntil: number | null;
  createdAt: number;
  lastAt: number | null;
  status: number | null;
  answer: string | null;
  problem: string | null;
}

/** A rollout that was played in simulation. */
export interface RehearsalTable {
  id: string;
  /** Of the rollout. */
  name: string;
  releaseId: string;
  createdAt: number;
  createdBy: string;
  /** JSON: tags of the devices that whoever asked for it sees; null: the whole fleet. */
  scope: string | null;
  seed: number;
  state: RehearsalState;
  /** Runs that were played, of so many. */
  done: number;
  total: number;
  /** Which start of which server plays it. */
  serverStart: string;
  /** Of steady time: when that server last said that it does. */
  heardAt: number;
  finishedAt: number | null;
  failure: string | null;
  /** JSON of RehearsalAnswer. */
  answer: string | null;
}

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

export type AccountRow = Selectable<AccountTable>;
export type UserSessionRow = Selectable<UserSessionTable>;
export type PasskeyRow = Selectable<PasskeyTable>;
export type ChallengeRow = Selectable<ChallengeTable>;
export type ApiTokenRow = Selectable<ApiTokenTable>;
export type ProposalRow = Selectable<ProposalTable>;
export type DeviceRow = Selectable<DeviceTable>;
export type DeviceUpdate = Updateable<DeviceTable>;
export type ReleaseRow = Selectable<ReleaseTable>;
export type NewRelease = Insertable<ReleaseTable>;
export type ImageRow = Selectable<ImageTable>;
export type NewImage = Insertable<ImageTable>;
export type RehearsalRow = Selectable<RehearsalTable>;
export type RolloutRow = Selectable<RolloutTable>;
export type CommandRow = Selectable<CommandTable>;
export type ConfigurationRow = Selectable<ConfigurationTable>;
export type CommandUpdate = Updateable<CommandTable>;
export type DeploymentRow = Selectable<DeploymentTable>;
export type NewDeployment = Insertable<DeploymentTable>;
export type MenderAuthSetRow = Selectable<MenderAuthSetTable>;
export type ActionRow = Selectable<OtherAgentActionTable>;
export type ExecutionRow = Selectable<AwsExecutionTable>;
export type WebhookRow = Selectable<WebhookTable>;
export type WebhookDeliveryRow = Selectable<WebhookDeliveryTable>;
