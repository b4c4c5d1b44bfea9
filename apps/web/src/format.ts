// The only door to the format package: the parts of it that are plain names and tables, so that neither signing nor
// file code reaches the browser.

export { errorCodeOf, errorName } from "@flipside/image-format/error-names";
export { ErrorCode } from "@flipside/image-format/portable/error-codes";
export {
  type BootReasonName,
  type DeploymentStateName,
  deploymentStateNames,
  isFinalState,
  type SlotStateName,
} from "@flipside/image-format/state-names";
