// Stream: the seam between what speaks a protocol and what carries bytes. TCP of our own on the unikernel, a host
// socket on Node; TLS slots in between.

/** One byte stream at a time; an object is reused for the next connection after `close`. */
export abstract class Stream {
  /** Starts connecting to host:port (name or dotted address, UTF-8). 0, or an Errno. Never blocks. */
  abstract open(hostPtr: usize, hostLength: u32, port: u32): i32;
  /** A StreamState. `Closed` streams stay readable until drained. */
  abstract state(): i32;
  /** Bytes read (> 0), Errno.Again when none are there yet, Errno.Closed when none will come. */
  abstract read(ptr: usize, lengthBytes: u32): i32;
  /** Bytes taken (may be fewer than offered), Errno.Again when the buffer is full, Errno.Closed. */
  abstract write(ptr: usize, lengthBytes: u32): i32;
  /** Bytes that `write` would take now, or Errno.Closed. */
  room(): i32 {
    return 0;
  }
  /** Ends the connection; bytes already taken by `write` are still sent where the connection allows it. */
  abstract close(): void;
}
