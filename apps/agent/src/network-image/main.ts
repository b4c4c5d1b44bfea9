// An image of network and HTTP alone, without an agent: it is not updated over the air, and as a candidate it never
// proves itself, so it comes in at the factory or over the serial line (docs/http.md).

import { BootState } from "../boot-state";
import { endLine, say, sayBytes } from "../console";
import { bootPhase, clockUs, Phase, watchdogPet } from "../exokernel";
import { feedWatchdogBeforeOperations } from "../flash";
import { deviceIdBytes, deviceIdPtr, loadFactoryRecord } from "../identity/factory";
import { HttpService } from "../local/http-service";
import { Network } from "../net/network";

export { abort } from "../abort";

const CLIENTS: i32 = 4;
const KEYS_MAX: u32 = 32;
const VALUE_BYTES_MAX: u32 = 2048;

const network = new Network();
const boot = new BootState();
const service = new HttpService(network, boot, CLIENTS, KEYS_MAX, VALUE_BYTES_MAX);
let running: bool = false;

export function start(): void {
  feedWatchdogBeforeOperations();
  if (!loadFactoryRecord() || !boot.load()) {
    say("network image: flash is not what the boot loader saw");
    endLine();
    return;
  }
  bootPhase(Phase.Agent);
  say("network image of ");
  sayBytes(deviceIdPtr(), deviceIdBytes());
  endLine();
  running = network.start() >= 0;
}

export function step(): u32 {
  if (!running) return 1_000_000;
  watchdogPet();
  network.poll();
  const nowUs = clockUs();
  const nextUs = service.server.run(nowUs);
  const waitUs = nextUs <= nowUs ? 0 : <u32>min<i64>(nextUs - nowUs, 1_000_000);
  return min(waitUs, network.poll());
}
