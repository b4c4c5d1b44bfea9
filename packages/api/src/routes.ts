// Every route under /api, by its name (`operationId` in the document).

import { changeRole, createAccount, deleteAccount, listAccounts, resetPassword } from "./resources/accounts.ts";
import { listAudit } from "./resources/audit.ts";
import { replaceBoard } from "./resources/board-replacement.ts";
import { brokerResource, brokerTopic, brokerUser, brokerVirtualHost } from "./resources/broker-rights.ts";
import { importClaims, listClaims } from "./resources/claims.ts";
import { giveCommand, listCommands } from "./resources/commands.ts";
import {
  clearIdentityConflict,
  deleteDevice,
  getDevice,
  listDeviceDeployments,
  listDeviceLog,
  listDevices,
  revokeDevice,
  setTags,
  summariseDevices,
} from "./resources/devices.ts";
import { endEmergencyStop, getEmergencyStop, setEmergencyStop } from "./resources/emergency-stop.ts";
import { pollEvents, streamEvents } from "./resources/events.ts";
import { getMetricHistory, listMetrics } from "./resources/metrics.ts";
import { registerHawkbitDevice, renewTargetToken } from "./resources/hawkbit.ts";
import {
  addPermit,
  archiveRelease,
  deleteRelease,
  listReleases,
  unarchiveRelease,
  uploadRelease,
} from "./resources/releases.ts";
import {
  approveWave,
  archiveRollout,
  cancelRollout,
  changeRules,
  cloneRollout,
  closeTarget,
  createRollout,
  deleteRollout,
  endLateOffers,
  excludeDevices,
  getRollout,
  listDecisions,
  listRolloutDeployments,
  listRollouts,
  pauseRollout,
  preflightRollout,
  resumeRollout,
  resizeWaves,
  retryDevices,
  rollBackRollout,
  startNextWave,
  unarchiveRollout,
} from "./resources/rollouts.ts";
import { getHealth, getOpenApiDocument } from "./resources/server.ts";
import { changePassword, currentUser, signIn, signOut } from "./resources/session.ts";
import { createToken, listOwnTokens, listTokens, withdrawOwnToken, withdrawToken } from "./resources/tokens.ts";
import { getTrust, uploadTrust } from "./resources/trust.ts";
import {
  confirmProposal,
  getTwoPersonRule,
  listProposals,
  setTwoPersonRule,
  withdrawProposal,
} from "./resources/two-persons.ts";
import { endOwnSession, endSession, listOwnSessions, listSessions } from "./resources/user-sessions.ts";
import { whyDevice, whyRollout } from "./resources/why.ts";

export const routes = {
  getHealth,
  getOpenApiDocument,
  signIn,
  currentUser,
  signOut,
  changePassword,
  listOwnSessions,
  endOwnSession,
  listOwnTokens,
  createToken,
  withdrawOwnToken,
  listAccounts,
  createAccount,
  changeRole,
  resetPassword,
  deleteAccount,
  listSessions,
  endSession,
  listTokens,
  withdrawToken,
  listAudit,
  getTwoPersonRule,
  setTwoPersonRule,
  listProposals,
  confirmProposal,
  withdrawProposal,
  listDevices,
  summariseDevices,
  getDevice,
  listDeviceDeployments,
  listDeviceLog,
  listMetrics,
  getMetricHistory,
  setTags,
  revokeDevice,
  replaceBoard,
  clearIdentityConflict,
  deleteDevice,
  whyDevice,
  listCommands,
  giveCommand,
  listClaims,
  importClaims,
  registerHawkbitDevice,
  renewTargetToken,
  listReleases,
  uploadRelease,
  archiveRelease,
  unarchiveRelease,
  deleteRelease,
  addPermit,
  getTrust,
  uploadTrust,
  listRollouts,
  createRollout,
  preflightRollout,
  getRollout,
  listRolloutDeployments,
  listDecisions,
  pauseRollout,
  resumeRollout,
  approveWave,
  startNextWave,
  changeRules,
  cloneRollout,
  closeTarget,
  resizeWaves,
  excludeDevices,
  retryDevices,
  rollBackRollout,
  cancelRollout,
  endLateOffers,
  archiveRollout,
  unarchiveRollout,
  deleteRollout,
  whyRollout,
  getEmergencyStop,
  setEmergencyStop,
  endEmergencyStop,
  streamEvents,
  pollEvents,
  brokerUser,
  brokerVirtualHost,
  brokerResource,
  brokerTopic,
} as const;

export type Routes = typeof routes;
