// The network stack with buffers as small as they may be: a snapshot of it is copied for every input. AssemblyScript.

import { Counter, Network, TcpListener, TcpStream } from "../../../apps/agent/src/net/network";

const network = new Network();
const stream = new TcpStream(2048, 2048);
const listener = new TcpListener(80, 1, 2048, 2048);
let accepted: TcpStream | null = null;

/** For names and data. */
export const scratch: usize = memory.data(4096, 16);

function at(handle: i32): TcpStream {
  const taken = accepted;
  return handle == 0 || taken == null ? stream : taken;
}

export function start(): i32 {
  return network.start();
}
export function configureStatic(address: u32, mask: u32, router: u32, nameServer: u32): i32 {
  return network.configureStatic(address, mask, router, nameServer);
}
export function poll(): u32 {
  return network.poll();
}
export function address(): u32 {
  return network.isUp() ? network.address() : 0;
}
export function counter(which: i32): u32 {
  return network.counter(<Counter>which);
}
export function listen(port: u32): void {
  listener.port = port;
}
/** Handle 2, or -1. */
export function accept(): i32 {
  accepted = listener.accept();
  return accepted == null ? -1 : 2;
}
export function open(handle: i32, hostPtr: usize, hostLength: u32, port: u32): i32 {
  return at(handle).open(hostPtr, hostLength, port);
}
export function state(handle: i32): i32 {
  return at(handle).state();
}
export function tcpState(handle: i32): i32 {
  return at(handle).connection.state;
}
export function read(handle: i32, ptr: usize, lengthBytes: u32): i32 {
  return at(handle).read(ptr, lengthBytes);
}
export function write(handle: i32, ptr: usize, lengthBytes: u32): i32 {
  return at(handle).write(ptr, lengthBytes);
}
export function close(handle: i32): void {
  at(handle).close();
}
