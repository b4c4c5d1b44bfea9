// An app that crashes as it starts.

export function start(): void {
  unreachable();
}

export function tick(): void {}
