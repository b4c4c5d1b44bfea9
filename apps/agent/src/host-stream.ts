// HostStream: a byte stream of the host's (a socket on Node), where there is no network card to run TCP over.

import { Errno, StreamState, streamClose, streamOpen, streamRead, streamState, streamWrite } from "./exokernel";
import { Stream } from "./stream";

export class HostStream extends Stream {
  private handle: i32 = -1;

  open(hostPtr: usize, hostLength: u32, port: u32): i32 {
    this.close();
    const handle = streamOpen(hostPtr, hostLength, port);
    if (handle < 0) return handle;
    this.handle = handle;
    return 0;
  }

  state(): i32 {
    if (this.handle < 0) return StreamState.Closed;
    const state = streamState(this.handle);
    return state < 0 ? StreamState.Closed : state;
  }

  read(ptr: usize, lengthBytes: u32): i32 {
    return this.handle < 0 ? Errno.Closed : streamRead(this.handle, ptr, lengthBytes);
  }

  write(ptr: usize, lengthBytes: u32): i32 {
    return this.handle < 0 ? Errno.Closed : streamWrite(this.handle, ptr, lengthBytes);
  }

  close(): void {
    if (this.handle >= 0) streamClose(this.handle);
    this.handle = -1;
  }
}
