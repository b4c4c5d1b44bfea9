// An app that does nothing: what the example app costs is the difference to an image with this one.

export { abort } from "../../../apps/agent/src/abort";

export function start(): void {}

export function tick(): void {}
