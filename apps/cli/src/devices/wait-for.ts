// Waiting for something at the server to become so, by asking again.

const POLL_MS = 500;

/** What was seen last; `isOver` says whether it came in time. `look`: how it is now. */
export async function waitFor<T>(
  seen: T,
  { isOver, look, withinMs }: { isOver: (seen: T) => boolean; look: () => Promise<T>; withinMs: number },
): Promise<{ seen: T; inTime: boolean }> {
  const deadline = performance.now() + withinMs;
  let last = seen;
  while (!isOver(last)) {
    const leftMs = deadline - performance.now();
    if (leftMs <= 0) return { seen: last, inTime: false };
    await new Promise((resolve) => setTimeout(resolve, Math.min(POLL_MS, leftMs)));
    last = await look();
  }
  return { seen: last, inTime: true };
}
