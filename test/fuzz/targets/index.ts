// All targets by name. A new one is a file beside this, a line here, and one that says what sources it is about
// (about.ts).

import type { OpenTarget } from "../engine/target.ts";
import { agentMessages } from "./agent-messages.ts";
import { bootControl, slots, trustZone } from "./boot.ts";
import { chunkFetch } from "./chunk-fetch.ts";
import { chunkTable } from "./chunk-table.ts";
import { command } from "./command-form.ts";
import { deployment } from "./deployment.ts";
import { bootRecord, factoryForm, imageHeader, permit, signatureBlock, trustChain } from "./formats.ts";
import { http } from "./http.ts";
import { json } from "./json.ts";
import { mqtt } from "./mqtt.ts";
import { dhcp, dns, frames, tcp } from "./network.ts";
import { offerCheck } from "./offer-check.ts";
import { permitHoldsTarget } from "./permit-holds.ts";
import { factoryRecord, journal } from "./records.ts";
import { recovery } from "./recovery.ts";
import { settings } from "./settings.ts";
import { tls } from "./tls.ts";
import { signatures } from "./signatures.ts";
import { trial } from "./trial.ts";
import { trustUpdates } from "./trust-updates.ts";
import { updateJournal } from "./update-journal.ts";
import { update } from "./update.ts";

export const targets: Record<string, OpenTarget> = {
  "boot-control": bootControl,
  slots,
  "trust-zone": trustZone,
  recovery,
  "agent-messages": agentMessages,
  update,
  signatures,
  "offer-check": offerCheck,
  "permit-holds": permitHoldsTarget,
  tcp,
  dhcp,
  dns,
  frames,
  mqtt,
  tls,
  http,
  json,
  "image-header": imageHeader,
  "signature-block": signatureBlock,
  "trust-chain": trustChain,
  permit,
  command,
  "boot-record": bootRecord,
  "factory-form": factoryForm,
  factory: factoryRecord,
  settings,
  journal,
  trial,
  "trust-updates": trustUpdates,
  "update-journal": updateJournal,
  "chunk-fetch": chunkFetch,
  "chunk-table": chunkTable,
  deployment,
};
