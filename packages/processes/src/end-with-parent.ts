// A child that ends when its parent is gone, however that went: the parent starts it with an IPC channel, which the
// kernel closes with the parent's last descriptor, after kill -9 too.

/** After this long without an end in order, the process ends at once. */
const GRACE_MS = 8_000;

/** Calls `end` once when the parent is gone; without an IPC channel there is no parent to watch. */
export function endWithParent(end: () => void, graceMs = GRACE_MS): void {
  if (process.channel === undefined || process.channel === null) return;
  const gone = (): void => {
    setTimeout(() => process.exit(1), graceMs).unref();
    end();
  };
  if (!process.connected) return gone();
  process.once("disconnect", gone);
  // The listener alone would keep a process alive that has nothing else to do.
  process.channel.unref();
}

/** A terminal or pipe that is gone must not end a process before it has stopped what it started. */
export function outliveOutput(): void {
  for (const stream of [process.stdout, process.stderr]) stream.on("error", () => {});
}
