// Which sources a target is about: from these, those are chosen that a change has to pass.
// The patterns are of paths below a package's sources: "apps/agent" is the name of the whole program, and "/agent/" of
// one of its folders.

export const about: Record<string, RegExp> = {
  "boot-control": /\/(boot|boot-control)\/|boot-control-(record|transitions)/,
  slots: /\/boot\/boot|\/image\/|flash/,
  "trust-zone": /\/trust\/|trust-record|trust-update/,
  recovery: /\/boot\/|serial|boot-control-transitions/,
  "agent-messages": /\/(update|agent|command|session|mqtt|trust|image)\/|\/boot-state/,
  update: /\/(update\/|boot-state|image\/payload)|boot-control-transitions/,
  "offer-check": /offer-check|permit|\/image\/manifest|signature/,
  signatures: /signature|ed25519/,
  "permit-holds": /permit|signature/,
  "image-header": /image-header/,
  "signature-block": /signature-block/,
  "trust-chain": /trust-record|trust-chain/,
  permit: /portable\/permit/,
  command: /portable\/command/,
  "boot-record": /boot-control-record/,
  "factory-form": /portable\/factory/,
  tcp: /\/net\//,
  dhcp: /\/net\//,
  dns: /\/net\//,
  frames: /\/net\//,
  mqtt: /\/mqtt\//,
  tls: /\/tls\//,
  http: /\/http\//,
  json: /\/json\//,
  settings: /settings|dual-copy|connection-candidate|\/identity\//,
  factory: /factory|\/identity\//,
  journal: /journal/,
  "trust-updates": /\/trust\/(trust|signatures)|trust-update/,
  trial: /\/agent\/(trial|self-test)|\/boot-state|boot-control\/log|boot-control-transitions/,
  "update-journal": /\/update\/(journal|begin-budget)/,
  "chunk-fetch": /chunk-fetch/,
  "chunk-table": /slot-writer|sealed-slot/,
  deployment: /\/update\/deployment/,
};

/** The targets that are about any of these files, whose paths are from the repository's root. */
export function targetsAbout(files: readonly string[]): string[] {
  const inPackage = files.map((file) => file.replace(/^(apps|packages)\/[^/]+/, ""));
  return Object.keys(about).filter((name) => inPackage.some((file) => about[name]!.test(file)));
}
