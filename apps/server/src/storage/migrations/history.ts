// The database's history, in order, a file each. A migration is never changed once released; a new one is added at the
// end. Column names are those of schema.ts.

import type { Migration, MigrationProvider } from "kysely";
import type { ColumnTypes } from "../column-types.ts";
import { migrate as first } from "./0001-first.ts";
import { migrate as namedVersions } from "./0002-named-versions.ts";
import { migrate as trustRefusals } from "./0003-trust-refusals.ts";
import { migrate as commands } from "./0004-commands.ts";
import { migrate as trustDigestAndEntropy } from "./0005-trust-digest-and-entropy.ts";
import { migrate as imageFileNames } from "./0006-image-file-names.ts";
import { migrate as deploymentCounts } from "./0007-deployment-counts.ts";
import { migrate as changes } from "./0008-changes.ts";
import { migrate as gates } from "./0009-gates.ts";
import { migrate as waveRules } from "./0010-wave-rules.ts";
import { migrate as tagsAttributesAndFilters } from "./0011-tags-attributes-and-filters.ts";
import { migrate as healthGate } from "./0012-health-gate.ts";
import { migrate as members } from "./0013-members.ts";
import { migrate as lists } from "./0016-lists.ts";
import { migrate as pieces } from "./0017-pieces.ts";
import { migrate as rolloutRequests } from "./0018-rollout-requests.ts";
import { migrate as openTargets } from "./0019-open-targets.ts";
import { migrate as supersededRollouts } from "./0020-superseded-rollouts.ts";
import { migrate as shardLeases } from "./0021-shard-leases.ts";
import { migrate as identityConflicts } from "./0022-identity-conflicts.ts";
import { migrate as archiveAndDelete } from "./0023-archive-and-delete.ts";
import { migrate as metricHistory } from "./0024-metric-history.ts";
import { migrate as retention } from "./0025-retention.ts";
import { migrate as rolesSessionsAndTokens } from "./0026-roles-sessions-and-tokens.ts";
import { migrate as audit } from "./0027-audit.ts";
import { migrate as hawkbit } from "./0028-hawkbit.ts";
import { migrate as twoPersons } from "./0029-two-persons.ts";
import { migrate as otherAgents } from "./0030-other-agents.ts";
import { migrate as awsIot } from "./0031-aws-iot.ts";
import { migrate as waysToSignIn } from "./0032-ways-to-sign-in.ts";
import { migrate as webhooksAndRequestIds } from "./0033-webhooks-and-request-ids.ts";
import { migrate as idempotentRequests } from "./0034-idempotent-requests.ts";
import { migrate as claimsWithLimits } from "./0035-claims-with-limits.ts";
import { migrate as scopes } from "./0036-scopes.ts";
import { migrate as configurationsAndCollectedLogs } from "./0037-configurations-and-collected-logs.ts";
import { migrate as trustDigests } from "./0039-trust-digests.ts";
import { migrate as deviceLists } from "./0040-device-lists.ts";
import { migrate as deploymentsByEnd } from "./0042-deployments-by-end.ts";
import { migrate as rolloutTemplates } from "./0043-rollout-templates.ts";
import { migrate as rehearsals } from "./0044-rehearsals.ts";
import { migrate as fleetSamples } from "./0045-fleet-samples.ts";
import { migrate as releaseStates } from "./0046-release-states.ts";
import { migrate as measurements } from "./0047-measurements.ts";
import { migrate as deviceChannels } from "./0048-device-channels.ts";
import { type Migrate, tools } from "./tools.ts";

const history: Record<string, Migrate> = {
  "0001-first": first,
  "0002-named-versions": namedVersions,
  "0003-trust-refusals": trustRefusals,
  "0004-commands": commands,
  "0005-trust-digest-and-entropy": trustDigestAndEntropy,
  "0006-image-file-names": imageFileNames,
  "0007-deployment-counts": deploymentCounts,
  "0008-changes": changes,
  "0009-gates": gates,
  "0010-wave-rules": waveRules,
  "0011-tags-attributes-and-filters": tagsAttributesAndFilters,
  "0012-health-gate": healthGate,
  "0013-members": members,
  "0016-lists": lists,
  "0017-pieces": pieces,
  "0018-rollout-requests": rolloutRequests,
  "0019-open-targets": openTargets,
  "0020-superseded-rollouts": supersededRollouts,
  "0021-shard-leases": shardLeases,
  "0022-identity-conflicts": identityConflicts,
  "0023-archive-and-delete": archiveAndDelete,
  "0024-metric-history": metricHistory,
  "0025-retention": retention,
  "0026-roles-sessions-and-tokens": rolesSessionsAndTokens,
  "0027-audit": audit,
  "0028-hawkbit": hawkbit,
  "0029-two-persons": twoPersons,
  "0030-other-agents": otherAgents,
  "0031-aws-iot": awsIot,
  "0032-ways-to-sign-in": waysToSignIn,
  "0033-webhooks-and-request-ids": webhooksAndRequestIds,
  "0034-idempotent-requests": idempotentRequests,
  "0035-claims-with-limits": claimsWithLimits,
  "0036-scopes": scopes,
  "0037-configurations-and-collected-logs": configurationsAndCollectedLogs,
  "0039-trust-digests": trustDigests,
  "0040-device-lists": deviceLists,
  "0042-deployments-by-end": deploymentsByEnd,
  "0043-rollout-templates": rolloutTemplates,
  "0044-rehearsals": rehearsals,
  "0045-fleet-samples": fleetSamples,
  "0046-release-states": releaseStates,
  "0047-measurements": measurements,
  "0048-device-channels": deviceChannels,
};

export function migrations(types: ColumnTypes): MigrationProvider {
  const made = tools(types);
  const all = Object.entries(history).map(([name, migrate]): [string, Migration] => [
    name,
    { up: (db) => migrate(db, made) },
  ]);
  return { getMigrations: async () => Object.fromEntries(all) };
}
