// `flipside aws withdraw`

import { command, type Invocation } from "../../command-line/command.ts";

async function run({ words, connect }: Invocation<Record<never, never>>) {
  const id = words[0]!;
  await connect()("DELETE /api/v1/aws-iot/things/:id/certificate", { params: { id } });
  return { json: { id }, text: `${id} is cut off, and stays out until it is given another certificate` };
}

export const withdrawCertificate = command({
  name: "aws withdraw",
  summary: "Take a thing's certificate: it is cut off",
  arguments: [{ name: "THING", what: "its name" }],
  options: {},
  examples: ["flipside aws withdraw pump-0001"],
  connects: true,
  run,
});
