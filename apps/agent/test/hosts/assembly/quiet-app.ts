// An app that does nothing.

export { abort } from "../../../src/abort";

export function start(): void {}

export function tick(): void {}
