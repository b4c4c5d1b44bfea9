// A server that serves devices of AWS IoT, things that are registered at it, and what an agent on one of them does.

import { createHash, randomBytes } from "node:crypto";
import { get } from "node:http";
import { readFile, rm } from "node:fs/promises";
import { connectAsync, type MqttClient } from "mqtt";
import { expect } from "vitest";
import type { JobDocument } from "../../src/features/aws-iot/documents.ts";
import { type ClientPair, makeClientPair, makeServerPair, type Pair } from "../certificates.ts";
import { Fixture, temporaryDirectory } from "../fixture.ts";
import { product } from "../keys.ts";

export interface Things {
  fixture: Fixture;
  folder: string;
  server: Pair & { rootFile: string };
  /** Where things are told to fetch; by default the server itself. */
  downloadsAt: string | undefined;
  stop(): Promise<void>;
}

export async function startWithThings(
  options: Parameters<typeof Fixture.start>[0] = {},
  project?: Parameters<typeof Fixture.start>[1],
): Promise<Things> {
  const folder = await temporaryDirectory();
  const server = await makeServerPair(folder);
  const things: Things = {
    ...{ fixture: undefined as never, folder, server, downloadsAt: undefined },
    async stop() {
      await things.fixture?.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
  const awsIot = { downloadsAt: () => things.downloadsAt ?? things.fixture.server.url };
  const mqttTls = { port: 0, certificateFile: server.certificateFile, keyFile: server.keyFile };
  // One of several servers does not serve such devices.
  const alone = { member: undefined, imagesDir: undefined };
  things.fixture = await Fixture.start({ ...alone, awsIot, mqttTls, ...options }, project);
  return things;
}

export interface Thing {
  id: string;
  pair: ClientPair;
  shown(): Promise<any>;
  newest(): Promise<any>;
}

export const newName = (): string => `Thing_${randomBytes(4).toString("hex")}`;

export async function newThing({ fixture, folder }: Things, id = newName(), given?: ClientPair): Promise<Thing> {
  const pair = given ?? (await makeClientPair(folder, id));
  const { certificate } = pair;
  const of = { product, hardware: "virtual", revision: 2 };
  const answer = await fixture.api.post("/api/v1/aws-iot/things", { id, certificate, ...of });
  if (answer.status !== 201) throw new Error(JSON.stringify(answer.body));
  const shown = async (): Promise<any> => (await fixture.api.get(`/api/v1/devices/${id}`)).body;
  return { id, pair, shown, newest: async () => (await shown()).deployments[0] };
}

/** As far as it comes; asks for the rest. */
function fetchFrom(url: string, at: number): Promise<{ status: number; body: Buffer }> {
  return new Promise((resolve, reject) => {
    const headers = at > 0 ? { range: `bytes=${at}-` } : {};
    const request = get(url, { headers }, (response) => {
      const parts: Buffer[] = [];
      const done = (): void => resolve({ status: response.statusCode!, body: Buffer.concat(parts) });
      response.on("data", (part: Buffer) => parts.push(part));
      response.on("end", done);
      response.on("error", done);
    });
    request.on("error", reject);
  });
}

/** The file of a job, gone on with where a connection broke off; checked as the document says. */
export async function download({ files: [file] }: JobDocument): Promise<{ content: Buffer; parts: number }> {
  let content = Buffer.alloc(0);
  let parts = 0;
  while (content.length < file.sizeBytes) {
    const { status, body } = await fetchFrom(file.url, content.length);
    if (status !== (content.length > 0 ? 206 : 200)) throw new Error(`answered ${status}: ${body}`);
    content = Buffer.concat([content, body]);
    if (++parts > 10) throw new Error("it never came to its end");
  }
  const sha256 = createHash("sha256").update(content).digest("hex");
  if (content.length !== file.sizeBytes || sha256 !== file.sha256) throw new Error("it is not the job's file");
  return { content, parts };
}

export const pathsOf = ({ server }: Things, { pair }: Pick<Thing, "pair">) => ({
  caPath: server.rootFile,
  certPath: pair.certificateFile,
  keyPath: pair.keyFile,
});

export const portOf = ({ fixture }: Things): number => fixture.server.mqttTlsPort!;

type Json = Record<string, any>;

/** A thing's connection by MQTT alone, for what the SDK does not do, or hides. */
export class Connection {
  readonly client: MqttClient;
  readonly thing: string;
  /** By what follows the thing's prefix, oldest first. */
  readonly heard: { leaf: string; body: Json }[] = [];

  private constructor(client: MqttClient, thing: string) {
    this.client = client;
    this.thing = thing;
    client.on("error", () => {});
    client.on("message", (topic, payload) => {
      this.heard.push({ leaf: topic.slice(this.topic("").length), body: JSON.parse(payload.toString()) });
    });
  }

  static async open(
    things: Things,
    { id, pair }: Pick<Thing, "id" | "pair">,
    { filters = ["#"], qos = 1 }: { filters?: string[]; qos?: 0 | 1 } = {},
  ): Promise<Connection> {
    const client = await connectAsync(
      `mqtts://localhost:${portOf(things)}`,
      {
        ...{ protocolVersion: 4, clientId: id, reconnectPeriod: 0, connectTimeout: 10_000 },
        ca: await readFile(things.server.rootFile),
        cert: pair.certificate,
        key: await readFile(pair.keyFile),
      },
      false,
    );
    const connection = new Connection(client, id);
    for (const filter of filters) await client.subscribeAsync(connection.topic(filter), { qos });
    return connection;
  }

  topic = (leaf: string): string => `$aws/things/${this.thing}/${leaf}`;

  /** The first that fits, and whatever came before it is forgotten. */
  async until(what: string, fits: (leaf: string, body: Json) => boolean): Promise<Json> {
    await expect
      .poll(() => this.heard.some(({ leaf, body }) => fits(leaf, body)), {
        timeout: 10_000,
        interval: 5,
        message: what,
      })
      .toBe(true);
    const at = this.heard.findIndex(({ leaf, body }) => fits(leaf, body));
    return this.heard.splice(0, at + 1).at(-1)!.body;
  }

  /** What is answered, with `answer`: how. */
  async ask(leaf: string, body: Json | string | Buffer = {}, qos: 0 | 1 = 1): Promise<Json> {
    const before = this.heard.length;
    const isAsItIs = typeof body === "string" || Buffer.isBuffer(body);
    await this.client.publishAsync(this.topic(leaf), isAsItIs ? (body as string) : JSON.stringify(body), { qos });
    const find = () =>
      this.heard.slice(before).find((each) => [`${leaf}/accepted`, `${leaf}/rejected`].includes(each.leaf));
    await expect.poll(find, { timeout: 10_000, interval: 5, message: `an answer to ${leaf}` }).toBeDefined();
    const answer = find()!;
    this.heard.splice(this.heard.indexOf(answer), 1);
    return { ...answer.body, answer: answer.leaf.slice(leaf.length + 1) };
  }

  close = (): Promise<void> => this.client.endAsync(true);
}
