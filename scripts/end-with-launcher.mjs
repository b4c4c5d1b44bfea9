// Loaded before a program (--import): when its launcher is gone, the program is told as by a terminal that went away.
// One that has no word of its own for SIGHUP ends by it, as is the default; one that hangs is ended.

const GRACE_MS = 15_000;

// A process that the program forks gets this too, with a channel of its own that is not the launcher's.
if (process.channel && process.env.FLIPSIDE_LAUNCHER === String(process.ppid)) {
  process.once("disconnect", () => {
    setTimeout(() => process.kill(process.pid, "SIGKILL"), GRACE_MS).unref();
    process.kill(process.pid, "SIGHUP");
  });
  process.channel.unref();
}
