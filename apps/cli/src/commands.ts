// The table of commands, in the order of the help. One more is a file in apps/cli/src/commands and a row here.

import type { Command } from "./command-line/command.ts";
import { createAccount } from "./commands/account/create.ts";
import { deleteAccount } from "./commands/account/delete.ts";
import { listAccounts } from "./commands/account/list.ts";
import { accountRole } from "./commands/account/role.ts";
import { accountScope } from "./commands/account/scope.ts";
import { attention } from "./commands/attention.ts";
import { exportAudit } from "./commands/audit/export.ts";
import { listAudit } from "./commands/audit/list.ts";
import { verifyAudit } from "./commands/audit/verify.ts";
import { addThing } from "./commands/aws/add.ts";
import { replaceCertificate } from "./commands/aws/certificate.ts";
import { withdrawCertificate } from "./commands/aws/withdraw.ts";
import { backup } from "./commands/backup.ts";
import { build } from "./commands/build.ts";
import { approveClaim } from "./commands/claims/approve.ts";
import { importClaims } from "./commands/claims/import.ts";
import { listClaims } from "./commands/claims/list.ts";
import { completion } from "./commands/completion.ts";
import { withdrawClaim } from "./commands/claims/withdraw.ts";
import { commandDevice } from "./commands/device/command.ts";
import { commandDevices } from "./commands/device/command-many.ts";
import { deviceConfiguration } from "./commands/device/configuration.ts";
import { configureDevice } from "./commands/device/configure.ts";
import { countDevices } from "./commands/device/count.ts";
import { listDevices } from "./commands/device/list.ts";
import { deviceLogs } from "./commands/device/logs.ts";
import { revokeDevice } from "./commands/device/revoke.ts";
import { showDevice } from "./commands/device/show.ts";
import { tagDevice } from "./commands/device/tag.ts";
import { unrevokeDevice } from "./commands/device/unrevoke.ts";
import { whyDevice } from "./commands/device/why.ts";
import { conformance } from "./commands/conformance.ts";
import { diff } from "./commands/diff.ts";
import { beginStop } from "./commands/emergency-stop/begin.ts";
import { endStop } from "./commands/emergency-stop/end.ts";
import { showStop } from "./commands/emergency-stop/show.ts";
import { enrol } from "./commands/enrol.ts";
import { events } from "./commands/events.ts";
import { inspect } from "./commands/inspect.ts";
import { keygen } from "./commands/keygen.ts";
import { login } from "./commands/login.ts";
import { logout } from "./commands/logout.ts";
import { acceptMender } from "./commands/mender/accept.ts";
import { listMender } from "./commands/mender/list.ts";
import { preauthorizeMender } from "./commands/mender/preauthorize.ts";
import { rejectMender } from "./commands/mender/reject.ts";
import { pack } from "./commands/pack.ts";
import { permit } from "./commands/permit.ts";
import { powerCut } from "./commands/power-cut.ts";
import { confirmProposal } from "./commands/proposal/confirm.ts";
import { listProposals } from "./commands/proposal/list.ts";
import { withdrawProposal } from "./commands/proposal/withdraw.ts";
import { push } from "./commands/push.ts";
import { recover } from "./commands/recover.ts";
import { restore } from "./commands/restore.ts";
import { compareReleases } from "./commands/release/compare.ts";
import { releaseFailures } from "./commands/release/failures.ts";
import { showRelease } from "./commands/release/show.ts";
import { releaseState } from "./commands/release/state.ts";
import { abortRollout } from "./commands/rollout/abort.ts";
import { approveRollout } from "./commands/rollout/approve.ts";
import { createRollout } from "./commands/rollout/create.ts";
import { rolloutFailures } from "./commands/rollout/failures.ts";
import { listRollouts } from "./commands/rollout/list.ts";
import { pauseRollout } from "./commands/rollout/pause.ts";
import { rehearseRollout } from "./commands/rollout/rehearse.ts";
import { resumeRollout } from "./commands/rollout/resume.ts";
import { rollBackRollout } from "./commands/rollout/rollback.ts";
import { showRollout } from "./commands/rollout/show.ts";
import { rolloutTemplates } from "./commands/rollout/templates.ts";
import { watchRollout } from "./commands/rollout/watch.ts";
import { whyRollout } from "./commands/rollout/why.ts";
import { sign } from "./commands/sign.ts";
import { createToken } from "./commands/token/create.ts";
import { listTokens } from "./commands/token/list.ts";
import { withdrawToken } from "./commands/token/withdraw.ts";
import { makeTrust } from "./commands/trust/make.ts";
import { pushTrust } from "./commands/trust/push.ts";
import { showTrust } from "./commands/trust/show.ts";
import { verify } from "./commands/verify.ts";
import { createWebhook } from "./commands/webhook/create.ts";
import { deleteWebhook } from "./commands/webhook/delete.ts";
import { webhookDeliveries } from "./commands/webhook/deliveries.ts";
import { listWebhooks } from "./commands/webhook/list.ts";
import { testWebhook } from "./commands/webhook/test.ts";

export const commands: readonly Command[] = [
  login,
  logout,
  keygen,
  build,
  pack,
  sign,
  verify,
  inspect,
  diff,
  push,
  permit,
  releaseState,
  showRelease,
  compareReleases,
  releaseFailures,
  createRollout,
  rolloutTemplates,
  rehearseRollout,
  watchRollout,
  listRollouts,
  showRollout,
  rolloutFailures,
  whyRollout,
  pauseRollout,
  resumeRollout,
  approveRollout,
  abortRollout,
  rollBackRollout,
  events,
  listWebhooks,
  createWebhook,
  deleteWebhook,
  testWebhook,
  webhookDeliveries,
  attention,
  showStop,
  beginStop,
  endStop,
  listDevices,
  countDevices,
  showDevice,
  whyDevice,
  tagDevice,
  commandDevice,
  commandDevices,
  configureDevice,
  deviceConfiguration,
  deviceLogs,
  revokeDevice,
  unrevokeDevice,
  enrol,
  listClaims,
  addThing,
  replaceCertificate,
  withdrawCertificate,
  importClaims,
  approveClaim,
  withdrawClaim,
  listMender,
  acceptMender,
  rejectMender,
  preauthorizeMender,
  showTrust,
  pushTrust,
  makeTrust,
  listAccounts,
  createAccount,
  accountRole,
  accountScope,
  deleteAccount,
  listTokens,
  createToken,
  withdrawToken,
  listProposals,
  confirmProposal,
  withdrawProposal,
  listAudit,
  exportAudit,
  verifyAudit,
  backup,
  restore,
  powerCut,
  conformance,
  recover,
  completion,
];
