// The status page and the key-value service on port 80, beside the agent. It reads what the agent knows and changes
// nothing of it.

import { BootState } from "../boot-state";
import { Network } from "../net/network";
import { Scheduler } from "../scheduler/scheduler";
import { HttpService } from "./http-service";

/** What the agent's memory has room for beside TLS: some 21 KiB in all. */
const CLIENTS: i32 = 2;
const KEYS_MAX: u32 = 8;
const VALUE_BYTES_MAX: u32 = 256;

let service: HttpService | null = null;

export function startLocalService(network: Network, boot: BootState, scheduler: Scheduler): void {
  const made = new HttpService(network, boot, CLIENTS, KEYS_MAX, VALUE_BYTES_MAX);
  scheduler.add(made.server);
  service = made;
}

/** Whatever woke the machine may have been a request. */
export function wakeLocalService(): void {
  const made = service;
  if (made) made.server.wake();
}
