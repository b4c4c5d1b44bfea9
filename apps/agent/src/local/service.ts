// What a device offers to whoever is on its own network: nothing, unless the build has `http` (build/features.ts puts
// service-http.ts in this file's place).

import { BootState } from "../boot-state";
import { Network } from "../net/network";
import { Scheduler } from "../scheduler/scheduler";

export function startLocalService(_network: Network, _boot: BootState, _scheduler: Scheduler): void {}

export function wakeLocalService(): void {}
