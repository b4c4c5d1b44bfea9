// Waiting for a device to say something on its console.

interface Console {
  /** Lines so far. */
  readonly console: readonly string[];
  on(event: "line", listener: (line: string) => void): unknown;
  off(event: "line", listener: (line: string) => void): unknown;
}

/** The first line from now on that matches. Rejects after `timeoutMs`, with the last lines; `name`: whose they are. */
export function waitForLine(device: Console, name: string, pattern: RegExp, timeoutMs: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      device.off("line", onLine);
      const last = device.console.slice(-20).join("\n");
      reject(new Error(`no console line of ${name} matched ${pattern} in ${timeoutMs} ms; the last were:\n${last}`));
    }, timeoutMs);
    const onLine = (line: string): void => {
      if (!pattern.test(line)) return;
      clearTimeout(timer);
      device.off("line", onLine);
      resolve(line);
    };
    device.on("line", onLine);
  });
}
