// The agent module of the scheduling benchmark: network, HTTP, and three downloads at full speed, each of which hashes
// what comes and writes it to flash, as an update does. Which of them runs next is the scheduler's; the benchmark
// builds this once with the scheduler as it is, and once with one that serves in the order of coming.

import { BootState } from "../../../apps/agent/src/boot-state";
import { sha256 } from "../../../apps/agent/src/crypto";
import { clockUs, watchdogPet } from "../../../apps/agent/src/exokernel";
import { FlashZone } from "../../../apps/agent/src/flash";
import {
  loadFactoryRecord,
  serverHostBytes,
  serverHostPtr,
  serverPort,
} from "../../../apps/agent/src/identity/factory";
import { HttpService } from "../../../apps/agent/src/local/http-service";
import { Network, TcpStream } from "../../../apps/agent/src/net/network";
import { NEVER_US, Scheduler, Task } from "../../../apps/agent/src/scheduler/scheduler";
import { StreamState } from "../../../apps/agent/src/exokernel";

export { abort } from "../../../apps/agent/src/abort";

const DOWNLOADS: i32 = 3;
/** What is hashed and programmed in one run, as the agent does it. */
const CHUNK_BYTES: u32 = 4096;
/** As large as the largest image; then the next one begins. */
const DOWNLOAD_BYTES: u32 = 405504;
const RUNS_PER_STEP: u32 = 32;

const network = new Network();
const boot = new BootState();
const scheduler = new Scheduler(8, RUNS_PER_STEP);
const digest: usize = memory.data(32);

class Download extends Task {
  private stream: TcpStream = new TcpStream(16384, 1024);
  private chunk: usize = heap.alloc(CHUNK_BYTES);
  private filled: u32 = 0;
  private left: u32 = DOWNLOAD_BYTES;
  private offset: u32 = 0;

  /** Each has a sector of the slot that does not run. */
  constructor(
    private zone: FlashZone,
    private sector: u32,
  ) {
    super();
  }

  connect(): void {
    this.stream.open(serverHostPtr(), serverHostBytes(), serverPort());
  }

  remainingWork(): u32 {
    return this.left;
  }

  run(nowUs: i64): i64 {
    if (this.stream.state() == StreamState.Closed) this.connect();
    const got = this.stream.read(this.chunk + this.filled, CHUNK_BYTES - this.filled);
    if (got <= 0) return NEVER_US;
    this.filled += got;
    if (this.filled == CHUNK_BYTES) this.store();
    return nowUs;
  }

  private store(): void {
    const at = this.sector * this.zone.sectorBytes + this.offset;
    sha256(this.chunk, CHUNK_BYTES, digest);
    if (this.offset == 0 && this.zone.erase(at) < 0) unreachable();
    if (this.zone.program(at, this.chunk, CHUNK_BYTES) < 0) unreachable();
    this.filled = 0;
    this.offset = (this.offset + CHUNK_BYTES) % this.zone.sectorBytes;
    this.left = this.left > CHUNK_BYTES ? this.left - CHUNK_BYTES : DOWNLOAD_BYTES;
  }
}

const service = new HttpService(network, boot, 2, 4, 64);
const downloads = new StaticArray<Download>(DOWNLOADS);

/** Due after every run of another one; what it received is there for all. */
class NetworkTask extends Task {
  remainingWork(): u32 {
    return 0;
  }

  run(nowUs: i64): i64 {
    const waitUs = network.poll();
    service.server.wake();
    for (let i = 0; i < DOWNLOADS; i++) unchecked(downloads[i]).wake();
    return nowUs + waitUs;
  }
}

const networkTask = new NetworkTask();

export function start(): void {
  if (!loadFactoryRecord() || !boot.load()) unreachable();
  const zone = boot.slot(boot.otherSlot());
  for (let i = 0; i < DOWNLOADS; i++) downloads[i] = new Download(zone, i);
  if (network.start() < 0) unreachable();
  scheduler.add(networkTask);
  scheduler.add(service.server);
  for (let i = 0; i < DOWNLOADS; i++) {
    downloads[i].connect();
    scheduler.add(downloads[i]);
  }
  scheduler.carrier = networkTask;
}

export function step(): u32 {
  watchdogPet();
  networkTask.wake();
  const waitUs = scheduler.step(clockUs());
  return min(min(waitUs, network.poll()), 1_000_000);
}
