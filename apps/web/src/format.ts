// The only door to the format package: the parts of it that are plain names and tables, so that neither signing nor
// file code reaches the browser.

export { errorName } from "../../../packages/image-format/src/format-error.ts";
export { ErrorCode } from "../../../packages/image-format/src/portable/error-codes.ts";
export {
  type BootReasonName,
  type DeploymentStateName,
  deploymentStateNames,
  type SlotStateName,
} from "../../../packages/image-format/src/state-names.ts";

import { isFinal } from "../../../packages/image-format/src/portable/deployment-state.ts";
import { type DeploymentStateName, deploymentStateOf } from "../../../packages/image-format/src/state-names.ts";

/** Whether nothing more is expected of a deployment in this state. */
export const isFinalState = (name: DeploymentStateName): boolean => isFinal(deploymentStateOf(name));
