// An app whose first tick never ends.

export { abort } from "../../../src/abort";

const word: usize = memory.data(4, 4);

export function start(): void {}

export function tick(): void {
  for (;;) store<u32>(word, load<u32>(word) + 1);
}
