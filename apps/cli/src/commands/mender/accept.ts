// `flipside mender accept`

import { command, type Invocation } from "../../command-line/command.ts";
import { admissionOf, admissionOptions } from "./admission.ts";

async function run({ options: asked, words, connect }: Invocation<typeof admissionOptions>) {
  const body = { ...admissionOf(asked), ...(asked.product === undefined ? {} : { product: asked.product }) };
  const set = await connect()("POST /api/v1/mender/auth-sets/:id/accept", { params: { id: words[0]! }, body });
  return { json: set, text: `${set.deviceId} is let in by this key, and by no other` };
}

export const acceptMender = command({
  name: "mender accept",
  summary: "Let a device with Mender's client in by this key, and by no other of its identity",
  about: "The product is needed the first time that a device is accepted; for another key of it nothing more is.",
  arguments: [{ name: "ID", what: "as flipside mender list has it" }],
  options: admissionOptions,
  examples: ["flipside mender accept 5f0c2a7d9e1b3c4d5e6f --product pump"],
  connects: true,
  run,
});
