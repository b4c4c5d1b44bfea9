// `flipside aws certificate`

import { command, type Invocation } from "../../command-line/command.ts";
import { readCertificateFile } from "./certificate-file.ts";

async function run({ words, connect }: Invocation<Record<never, never>>) {
  const [id, path] = words as readonly [string, string];
  const body = { certificate: readCertificateFile(path) };
  const given = await connect()("PUT /api/v1/aws-iot/things/:id/certificate", { params: { id }, body });
  return { json: given, text: `${id} may come in by the certificate ${given.sha256} until ${given.notAfter}` };
}

export const replaceCertificate = command({
  name: "aws certificate",
  summary: "Give a thing another certificate; the one before is worthless, and what came by it is cut off",
  arguments: [
    { name: "THING", what: "its name" },
    { name: "FILE", what: "the new certificate, in PEM" },
  ],
  options: {},
  examples: ["flipside aws certificate pump-0001 new.pem"],
  connects: true,
  run,
});
