// `flipside aws add`

import { command, type Invocation } from "../../command-line/command.ts";
import { UsageError } from "../../command-line/failures.ts";
import { readCertificateFile } from "./certificate-file.ts";

function readRevision(text: string): number {
  if (!/^\d{1,5}$/.test(text)) throw new UsageError("a revision is a number from 0 to 65535");
  return Number(text);
}

const options = {
  certificate: { value: "FILE", what: "its certificate, in PEM" },
  product: { value: "NAME", what: "of the releases that are for it; left out, what its shadow says" },
  hardware: { value: "NAME", what: "the same" },
  revision: { value: "N", what: "of the hardware (1)", read: readRevision },
} as const;

async function run({
  options: { certificate: file, product, hardware, revision },
  words,
  connect,
}: Invocation<typeof options>) {
  const id = words[0]!;
  if (file === undefined) throw new UsageError("say what lets it in: --certificate FILE");
  const certificate = readCertificateFile(file);
  const body = { id, certificate, product, hardware, revision };
  const made = await connect()("POST /api/v1/aws-iot/things", { body });
  const { sha256, notAfter } = made.certificate;
  return { json: made, text: `${id} may come in by the certificate ${sha256} until ${notAfter}` };
}

export const addThing = command({
  name: "aws add",
  summary: "Make a thing of AWS IoT known, and the certificate that lets it in",
  about: "The thing's name is its client id. How a fleet moves is in docs/aws-iot.md.",
  arguments: [{ name: "THING", what: "its name" }],
  options,
  examples: ["flipside aws add pump-0001 --certificate pump-0001.pem --product pump --hardware board --revision 2"],
  connects: true,
  run,
});
