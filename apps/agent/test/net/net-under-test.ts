// The stack by itself as a module: what the tests in this folder run. AssemblyScript.

import { Counter, Network, TcpListener, TcpStream } from "../../src/net/network";

export function abort(_message: usize, _file: usize, _line: u32, _column: u32): void {
  unreachable();
}

const network = new Network();
const stream = new TcpStream(32768, 16384);
const second = new TcpStream(4096, 4096);
const listener = new TcpListener(80, 4, 8192, 8192);
/** What `accept` gave: handles 2 and up. */
const accepted = new StaticArray<TcpStream | null>(16);
let acceptedCount: i32 = 0;

/** Where the tests put names and data. */
export const scratch: usize = heap.alloc(65536);

function at(handle: i32): TcpStream {
  return handle == 0 ? stream : handle == 1 ? second : accepted[handle - 2]!;
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
export function dropEverything(on: bool): void {
  network.dropEverything = on;
}
export function listen(port: u32): void {
  listener.port = port;
}
/** A handle, or -1. */
export function accept(): i32 {
  const taken = listener.accept();
  if (taken == null) return -1;
  for (let i = 0; i < acceptedCount; ++i) if (accepted[i] == taken) return i + 2;
  accepted[acceptedCount] = taken;
  return acceptedCount++ + 2;
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
export function localPort(handle: i32): u32 {
  return at(handle).connection.localPort;
}
export function failure(handle: i32): i32 {
  return at(handle).failure();
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
/** The stub allocator never frees: where it would allocate next tells whether anything was allocated. */
export function heapTop(): usize {
  const p = heap.alloc(16);
  heap.free(p);
  return p;
}
