// An app that runs and says that it is not well.

import { appHealth, Health } from "../../../agent/src/exokernel";

export { abort } from "../../../agent/src/abort";

export function start(): void {}

export function tick(): void {
  appHealth(Health.Unhealthy);
}
