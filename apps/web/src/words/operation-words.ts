// Operations of the interface, as people read them: their names say what they do.

import { t } from "@lingui/core/macro";
import type { Routes } from "@flipside/api/routes";

/** Those that change something: the record and the rule of two persons are about them. */
type Operation = {
  [Name in keyof Routes]: Routes[Name] extends { method: "GET" } | { access: "broker" } ? never : Name;
}[keyof Routes];

const words: Record<Operation, string> = {
  signIn: t`sign in`,
  signOut: t`sign out`,
  changePassword: t`change password`,
  secondStepOptions: t`second step options`,
  takeSecondStep: t`take second step`,
  beginPasskey: t`begin passkey`,
  addPasskey: t`add passkey`,
  renamePasskey: t`rename passkey`,
  removePasskey: t`remove passkey`,
  renewRecoveryCodes: t`renew recovery codes`,
  signOutEverywhere: t`sign out everywhere`,
  backChannelLogout: t`back channel logout`,
  endOwnSession: t`end own session`,
  createToken: t`create token`,
  withdrawOwnToken: t`withdraw own token`,
  createAccount: t`create account`,
  changeRole: t`change role`,
  changeScope: t`change scope`,
  resetPassword: t`reset password`,
  deleteAccount: t`delete account`,
  endSession: t`end session`,
  withdrawToken: t`withdraw token`,
  setTwoPersonRule: t`set two person rule`,
  confirmProposal: t`confirm proposal`,
  withdrawProposal: t`withdraw proposal`,
  setTags: t`set tags`,
  changeTags: t`change tags`,
  tagDevices: t`tag devices`,
  saveDeviceView: t`save device view`,
  deleteDeviceView: t`delete device view`,
  revokeDevice: t`revoke device`,
  unrevokeDevice: t`unrevoke device`,
  replaceBoard: t`replace board`,
  clearIdentityConflict: t`clear identity conflict`,
  deleteDevice: t`delete device`,
  giveCommand: t`give command`,
  commandDevices: t`command devices`,
  setConfiguration: t`set configuration`,
  configureDevices: t`configure devices`,
  importClaims: t`import claims`,
  approveClaim: t`approve claim`,
  withdrawClaim: t`withdraw claim`,
  acceptMenderAuthSet: t`accept mender auth set`,
  rejectMenderAuthSet: t`reject mender auth set`,
  preauthorizeMenderDevice: t`preauthorize mender device`,
  registerHawkbitDevice: t`register hawkbit device`,
  renewTargetToken: t`renew target token`,
  registerThing: t`register thing`,
  replaceThingCertificate: t`replace thing certificate`,
  withdrawThingCertificate: t`withdraw thing certificate`,
  uploadRelease: t`upload release`,
  archiveRelease: t`archive release`,
  unarchiveRelease: t`unarchive release`,
  deleteRelease: t`delete release`,
  addPermit: t`add permit`,
  uploadReleaseState: t`upload release state`,
  uploadTrust: t`upload trust`,
  createRollout: t`create rollout`,
  preflightRollout: t`preflight rollout`,
  pauseRollout: t`pause rollout`,
  resumeRollout: t`resume rollout`,
  approveWave: t`approve wave`,
  startNextWave: t`start next wave`,
  changeRules: t`change rules`,
  closeTarget: t`close target`,
  resizeWaves: t`resize waves`,
  excludeDevices: t`exclude devices`,
  retryDevices: t`retry devices`,
  rollBackRollout: t`roll back rollout`,
  cancelRollout: t`cancel rollout`,
  endLateOffers: t`end late offers`,
  archiveRollout: t`archive rollout`,
  unarchiveRollout: t`unarchive rollout`,
  deleteRollout: t`delete rollout`,
  saveRolloutTemplate: t`save rollout template`,
  deleteRolloutTemplate: t`delete rollout template`,
  createRehearsal: t`create rehearsal`,
  cancelRehearsal: t`cancel rehearsal`,
  setEmergencyStop: t`set emergency stop`,
  endEmergencyStop: t`end emergency stop`,
  createWebhook: t`create webhook`,
  changeWebhook: t`change webhook`,
  deleteWebhook: t`delete webhook`,
  rotateWebhookSecret: t`rotate webhook secret`,
  testWebhook: t`test webhook`,
  sendAgain: t`send again`,
};

/** "createRollout" as "create rollout"; also of an operation that a newer server has. */
export const operationWords = (name: string): string =>
  Object.hasOwn(words, name)
    ? words[name as Operation]
    : name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`).trim();

/** What it was about, and with what: a line of text for whatever was asked for. */
export function askedWords(on: Readonly<Record<string, string>>, asked: unknown): string {
  const about = Object.entries(on).map(([name, value]) => `${name} ${value}`);
  const text = asked === null || asked === undefined ? "" : JSON.stringify(asked);
  return [...about, ...(text === "" || text === "{}" ? [] : [text])].join(", ");
}
