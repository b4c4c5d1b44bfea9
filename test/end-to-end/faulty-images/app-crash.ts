// An app that crashes as it starts.

export { abort } from "../../../apps/agent/src/abort";

export function start(): void {
  unreachable();
}

export function tick(): void {}
