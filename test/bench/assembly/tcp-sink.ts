// The agent module of the TCP benchmark: the device's own network stack and nothing above it. Connects to the server of
// the factory record, discards what comes until the server closes, says when that began and ended, and connects again.

import { endLine, say, sayNumber } from "../../../apps/agent/src/console";
import { Errno, StreamState, watchdogPet } from "../../../apps/agent/src/exokernel";
import {
  loadFactoryRecord,
  serverHostBytes,
  serverHostPtr,
  serverPort,
} from "../../../apps/agent/src/identity/factory";
import { Network, TcpStream } from "../../../apps/agent/src/net/network";

export { abort } from "../../../apps/agent/src/abort";

const READ_BYTES: u32 = 8192;
const STEP_US_MAX: u32 = 1_000_000;

const network = new Network();
/** With the agent's own window and buffer sizes. */
const stream = new TcpStream();
const buffer: usize = heap.alloc(READ_BYTES);
let begun: bool = false;
let received: u32 = 0;

function connect(): void {
  begun = false;
  received = 0;
  stream.open(serverHostPtr(), serverHostBytes(), serverPort());
}

export function start(): void {
  if (!loadFactoryRecord()) unreachable();
  network.start();
  connect();
}

export function step(): u32 {
  watchdogPet();
  network.poll();
  if (!begun && stream.state() == StreamState.Open) {
    begun = true;
    say("tcp begin");
    endLine();
  }
  let bytes = stream.read(buffer, READ_BYTES);
  while (bytes > 0) {
    received += bytes;
    bytes = stream.read(buffer, READ_BYTES);
  }
  if (bytes == Errno.Closed) {
    if (begun) {
      say("tcp end ");
      sayNumber(received);
      endLine();
    }
    stream.close();
    connect();
  }
  return min(network.poll(), STEP_US_MAX);
}
