// Edge calls that a module of an image can make, and the boot loader's link has not: entropy, network, the app's slice.

import {
  appHealth,
  appIdentify,
  appIdentifying,
  appMetric,
  appReport,
  configurationJudge,
  configurationPropose,
  configurationRead,
  configurationVerdict,
  consoleLog,
  entropy,
  nicAcquire,
  nicGrant,
  nicInfo,
  nicReceive,
  nicRelease,
  nicTransmit,
  streamClose,
  streamOpen,
  streamRead,
  streamState,
  streamWrite,
} from "../../../../src/exokernel";
import { answer, memoryEnd } from "./answers";

const buffer: usize = memory.data(272, 16);
/** "a_1A" and more of them. */
const NAMES: usize = memory.data<u8>([
  0x61, 0x5f, 0x31, 0x41, 0x61, 0x62, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68, 0x69, 0x6a, 0x6b, 0x6c, 0x6d, 0x6e, 0x6f,
  0x70,
]);
const ZEROS: usize = memory.data(4);
const TEXT: usize = memory.data<u8>([
  0x20, 0x7e, 0x61, 0x62, 0x20, 0x7e, 0x61, 0x62, 0x20, 0x7e, 0x61, 0x62, 0x20, 0x7e, 0x61, 0x62, 0x20, 0x7e, 0x61,
  0x62, 0x20, 0x7e, 0x61, 0x62, 0x20, 0x7e, 0x61, 0x62, 0x20, 0x7e, 0x61, 0x62, 0x20, 0x7e, 0x61, 0x62, 0x20, 0x7e,
  0x61, 0x62, 0x20, 0x7e, 0x61, 0x62, 0x20, 0x7e, 0x61, 0x62, 0x20, 0x7e, 0x61, 0x62, 0x20, 0x7e, 0x61, 0x62, 0x20,
  0x7e, 0x61, 0x62, 0x20, 0x7e, 0x61, 0x62, 0x20,
]);
const HOST: usize = memory.data<u8>([0x31, 0x32, 0x37, 0x2e, 0x30, 0x2e, 0x30, 0x2e, 0x31]); // 127.0.0.1
const HOST_BYTES: u32 = 9;
const BAD_HOST: usize = memory.data<u8>([0xff, 0xfe]);

export function imageEdges(): void {
  answer("entropy: 256 bytes", entropy(buffer, 256));
  answer("entropy: nothing", entropy(buffer, 0));
  answer("entropy: 257 bytes", entropy(buffer, 257));
  answer("entropy: over memory's end", entropy(memoryEnd() - 4, 8));
  answer("entropy: to a pointer whose end wraps", entropy(0xfffffffc, 8));
  answer("entropy: 2^32 - 1 bytes", entropy(1, 0xffffffff));
  appEdges();
  configurationEdges();
  streamEdges();
  answer("nic_info: over memory's end", nicInfo(memoryEnd() - 16));
  answer("nic_grant: of nothing", nicGrant(buffer, 0));
  answer("nic_receive: before the grant", nicReceive());
  answer("nic_release: before the grant", nicRelease(0));
  answer("nic_acquire: before the grant", nicAcquire());
  answer("nic_transmit: before the grant", nicTransmit(0, 60));
}

function appEdges(): void {
  answer("app_metric: well", appMetric(NAMES, 3, -7));
  answer("app_metric: of 15 letters", appMetric(NAMES + 4, 15, i32.MIN_VALUE));
  answer("app_metric: of 16 letters", appMetric(NAMES + 4, 16, 1));
  answer("app_metric: without a name", appMetric(NAMES, 0, 1));
  answer("app_metric: with a capital letter", appMetric(NAMES, 4, 1));
  answer("app_metric: name over memory's end", appMetric(memoryEnd() - 1, 2, 1));
  answer("app_metric: name of 2^32 - 1 bytes", appMetric(NAMES, 0xffffffff, 1));
  answer("app_health: 2", appHealth(2));
  answer("app_health: 3", appHealth(3));
  answer("app_health: 2^32 - 1", appHealth(0xffffffff));
  answer("app_report: well", appReport(buffer));
  answer("app_report: to an odd place", appReport(buffer + 1));
  answer("app_report: at memory's end", appReport(memoryEnd() - 32));
  answer("app_report: over memory's end", appReport(memoryEnd() - 28));
  answer("app_report: at the highest address", appReport(0xfffffffc));
}

/** Where the app's own calls are granted, nothing waits for its verdict; where the agent's are, nobody gives one. */
function configurationEdges(): void {
  answer("console_log: of nothing", consoleLog(buffer, 0));
  answer("console_log: over memory's end", consoleLog(memoryEnd() - 4, 8));
  answer("console_log: to a pointer whose end wraps", consoleLog(0xfffffffc, 8));
  answer("console_log: 2^32 - 1 bytes", consoleLog(1, 0xffffffff));
  answer("app_identify: 0", appIdentify(0));
  answer("app_identify: 2", appIdentify(2));
  answer("app_identify: 2^32 - 1", appIdentify(0xffffffff));
  answer("app_identifying", appIdentifying());
  answer("configuration_propose: 1025 bytes", configurationPropose(buffer, 1025, 1));
  answer("configuration_propose: over memory's end", configurationPropose(memoryEnd() - 4, 8, 1));
  answer("configuration_propose: from a pointer whose end wraps", configurationPropose(0xfffffffc, 8, 1));
  answer("configuration_propose: 2^32 - 1 bytes", configurationPropose(1, 0xffffffff, 1));
  answer("configuration_propose: well", configurationPropose(buffer, 4, 0xffffffff));
  answer("configuration_verdict: of one that nobody has judged", configurationVerdict(buffer));
  answer("configuration_verdict: over memory's end", configurationVerdict(memoryEnd() - 76));
  answer("configuration_verdict: at the highest address", configurationVerdict(0xfffffffc));
  answer("configuration_propose: nothing", configurationPropose(buffer, 0, 0));
  answer("configuration_propose: nothing, at memory's end", configurationPropose(memoryEnd(), 0, 0));
  answer("configuration_propose: nothing, beyond memory's end", configurationPropose(memoryEnd() + 1, 0, 0));
  answer("configuration_read: of nothing", configurationRead(buffer, 8));
  answer("configuration_read: over memory's end", configurationRead(memoryEnd() - 4, 8));
  answer("configuration_read: 2^32 - 1 bytes", configurationRead(1, 0xffffffff));
  answer("configuration_judge: of nothing", configurationJudge(0, 0, buffer, 0));
  answer("configuration_judge: words of 64 bytes", configurationJudge(0, 0, TEXT, 64));
  answer("configuration_judge: words of 65 bytes", configurationJudge(0, 0, TEXT, 65));
  answer("configuration_judge: words that are zeros", configurationJudge(0, 0, ZEROS, 1));
  answer("configuration_judge: words over memory's end", configurationJudge(0, 0, memoryEnd() - 1, 2));
  answer("configuration_judge: words of 2^32 - 1 bytes", configurationJudge(0, 0, TEXT, 0xffffffff));
}

function streamEdges(): void {
  answer("stream_state: of no handle", streamState(0));
  answer("stream_read: of no handle", streamRead(7, buffer, 4));
  answer("stream_read: of no handle, over memory's end", streamRead(7, memoryEnd() - 4, 8));
  answer("stream_write: of no handle", streamWrite(7, buffer, 4));
  answer("stream_close: of handle 2^32 - 1", streamClose(0xffffffff));
  answer("stream_open: port 0", streamOpen(HOST, HOST_BYTES, 0));
  answer("stream_open: port 65536", streamOpen(HOST, HOST_BYTES, 65536));
  answer("stream_open: of no host", streamOpen(HOST, 0, 1));
  answer("stream_open: of a host of 254 bytes", streamOpen(buffer, 254, 1));
  answer("stream_open: of a host that is no UTF-8", streamOpen(BAD_HOST, 2, 1));
  answer("stream_open: of a host over memory's end", streamOpen(memoryEnd() - 4, 8, 1));
  answer("stream_open: well", streamOpen(HOST, HOST_BYTES, 1));
  answer("stream_state: connecting", streamState(0));
  answer("stream_state: of the handle after it", streamState(1));
  answer("stream_read: connecting", streamRead(0, buffer, 4));
  answer("stream_read: of nothing", streamRead(0, buffer, 0));
  answer("stream_write: connecting", streamWrite(0, buffer, 4));
  answer("stream_read: over memory's end", streamRead(0, memoryEnd() - 4, 8));
  answer("stream_write: from over memory's end", streamWrite(0, memoryEnd() - 4, 8));
  answer("stream_close: well", streamClose(0));
  answer("stream_close: again", streamClose(0));
  answer("stream_state: after the close", streamState(0));
  answer("stream_read: after the close", streamRead(0, buffer, 4));
  answer("stream_write: after the close", streamWrite(0, buffer, 4));
}
