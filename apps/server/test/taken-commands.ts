// Commands as a device takes them apart (docs/image-format.md, "Command"), and a server that can sign some.

import { createHash } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { checkSignatureBlock, createStrictVerifier, type ErrorCode } from "@flipside/image-format";
import { buildStrictVerifier } from "../../../packages/image-format/assembly/build-strict-verifier.ts";
import type { ServerOptions } from "../src/server.ts";
import { Fixture, temporaryDirectory } from "./fixture.ts";
import { makeProject } from "./keys.ts";
import type { ProtocolDevice } from "./protocol-device.ts";

/** Its operations key is in the trust record. */
export async function startCommanding(options: Partial<ServerOptions> = {}): Promise<Fixture> {
  const project = await makeProject();
  const dataDir = await temporaryDirectory();
  const operationsKey = join(dataDir, "operations.private.jwk");
  await writeFile(operationsKey, JSON.stringify(project.operations.privateJwk));
  return Fixture.start({ dataDir, operationsKey, ...options }, project);
}

export interface TakenCommand {
  bytes: Buffer;
  signed: ErrorCode;
  magic: string;
  forDevice: boolean;
  forSession: boolean;
  id: string;
  number: number;
  kind: number;
  /** All that depends on the kind. */
  arguments: Buffer;
  port: number;
  host: string;
  document: string | undefined;
}

/** The next command that comes. */
export async function takeCommand({ project }: Fixture, device: ProtocolDevice): Promise<TakenCommand> {
  const verifier = await createStrictVerifier(await readFile(await buildStrictVerifier()));
  const message = await device.take("command", (m) => m["session"] === device.session);
  const bytes = Buffer.from(String(message["command"]), "base64url");
  const body = bytes.subarray(0, 132);
  const { document } = message;
  return {
    bytes,
    signed: await checkSignatureBlock(verifier, "command", body, bytes.subarray(132), [project.operations.publicKey]),
    magic: body.toString("latin1", 0, 4),
    forDevice: body.subarray(8, 40).equals(createHash("sha256").update(device.id).digest()),
    forSession: body.toString("base64url", 40, 56) === device.deviceNonce,
    id: body.toString("hex", 56, 72),
    number: body.readUInt32LE(72),
    kind: body.readUInt16LE(76),
    arguments: body.subarray(78),
    port: body.readUInt16LE(78),
    host: body.toString("latin1", 84, 84 + body[80]!),
    document: document === undefined ? undefined : Buffer.from(String(document), "base64url").toString("utf8"),
  };
}

/** A new session of a device that is not connected. */
export async function begin(device: ProtocolDevice): Promise<void> {
  await device.connect();
  await device.prove();
  await device.checkIn();
}

/** Gone, and the server knows. */
export async function leave({ api }: Fixture, device: ProtocolDevice): Promise<void> {
  await device.close();
  await api.until(`/api/v1/devices/${device.id}`, (body) => !body.online);
}
