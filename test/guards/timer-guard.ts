// For every test file: a time-out that is no time is an error where it is asked for. Node takes such a one as 1 ms,
// without a word up to version 20 and with a warning that fails nothing from 21 on.

/**
 * What Node's timers take: more wraps round to 1 ms (https://nodejs.org/api/timers.html#settimeoutcallback-delay-args).
 */
const DELAY_MS_MAX = 2 ** 31 - 1;

function guarded<F extends (...args: never[]) => unknown>(name: string, real: F): F {
  const guard = (...args: unknown[]): unknown => {
    const delayMs = args[1];
    if (delayMs !== undefined && !(Number(delayMs) >= 0 && Number(delayMs) <= DELAY_MS_MAX))
      throw new RangeError(`${name} was given ${String(delayMs)} ms: 0 to ${DELAY_MS_MAX} are meant`);
    return (real as unknown as (...all: unknown[]) => unknown)(...args);
  };
  // util.promisify finds its variant here.
  return Object.defineProperties(guard, Object.getOwnPropertyDescriptors(real)) as unknown as F;
}

globalThis.setTimeout = guarded("setTimeout", globalThis.setTimeout);
globalThis.setInterval = guarded("setInterval", globalThis.setInterval);
