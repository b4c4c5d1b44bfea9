// A device that speaks hawkBit's DDI, written from the interface's description: it says what a test tells it to.

import { randomBytes } from "node:crypto";
import type { HawkbitOptions } from "../../src/features/hawkbit/hawkbit.ts";
import { Fixture } from "../fixture.ts";
import { product } from "../keys.ts";

export const startWithHawkbit = (
  hawkbit: HawkbitOptions = {},
  options: Parameters<typeof Fixture.start>[0] = {},
  project?: Parameters<typeof Fixture.start>[1],
): Promise<Fixture> =>
  // One of several servers does not serve such devices.
  Fixture.start({ member: undefined, imagesDir: undefined, hawkbit, ...options }, project);

export interface Answered {
  status: number;
  headers: Headers;
  // Tests look into answers of many shapes; what is not there fails the expectation.
  body: any;
}

export async function ask(
  url: string,
  { method = "GET", body, headers = {} }: { method?: string; body?: unknown; headers?: Record<string, string> } = {},
): Promise<Answered> {
  const response = await fetch(url, {
    method,
    headers: { ...(body === undefined ? {} : { "content-type": "application/json;charset=UTF-8" }), ...headers },
    ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
    signal: AbortSignal.timeout(30_000),
  });
  const text = await response.text();
  let parsed: unknown = text;
  try {
    parsed = JSON.parse(text);
  } catch {
    // not JSON
  }
  return { status: response.status, headers: response.headers, body: parsed };
}

export interface Links {
  deploymentBase?: string;
  cancelAction?: string;
  installedBase?: string;
  configData?: string;
}

export class Target {
  readonly id: string;
  readonly fixture: Fixture;
  authorization: string;
  tenant = "DEFAULT";

  constructor(fixture: Fixture, id: string, authorization: string) {
    this.fixture = fixture;
    this.id = id;
    this.authorization = authorization;
  }

  get root(): string {
    return `${this.fixture.server.url}/${this.tenant}/controller/v1/${this.id}`;
  }

  ask = (path: string, more: Parameters<typeof ask>[1] = {}): Promise<Answered> =>
    ask(path.startsWith("http") ? path : this.root + path, {
      ...more,
      headers: { authorization: this.authorization, ...more.headers },
    });

  async poll(): Promise<Links> {
    const { status, body } = await this.ask("");
    if (status !== 200) throw new Error(`the poll was answered ${status}: ${JSON.stringify(body)}`);
    return Object.fromEntries(
      Object.entries(body._links as Record<string, { href: string }>).map(([name, { href }]) => [name, href]),
    );
  }

  /** Polls until there is a deployment, and says its action and document. */
  async deployment(): Promise<{ actionId: number; document: any; artifact: any }> {
    const { deploymentBase } = await this.poll();
    if (deploymentBase === undefined) throw new Error("there is no deployment");
    const { body } = await this.ask(deploymentBase);
    return { actionId: Number(body.id), document: body, artifact: body.deployment.chunks[0].artifacts[0] };
  }

  feedback(
    actionId: number,
    execution: string,
    finished = "none",
    more: { of?: "deploymentBase" | "cancelAction"; details?: string[]; progress?: unknown } = {},
  ): Promise<Answered> {
    const { of = "deploymentBase", details = [], progress } = more;
    return this.ask(`/${of}/${actionId}/feedback`, {
      method: "POST",
      body: { id: String(actionId), status: { execution, result: { finished, progress }, details } },
    });
  }

  says = (data: Record<string, unknown>, mode?: string): Promise<Answered> =>
    this.ask("/configData", { method: "PUT", body: { mode, data } });

  shown = async (): Promise<any> => (await this.fixture.api.get(`/api/v1/devices/${this.id}`)).body;
  newest = async (): Promise<any> => (await this.shown()).deployments[0];
  why = async (): Promise<string> => (await this.fixture.api.get(`/api/v1/devices/${this.id}/why`)).body.sentence;
}

export async function newTarget(
  fixture: Fixture,
  more: { id?: string; version?: string; targetToken?: string } = {},
): Promise<Target> {
  const { id = `target-${randomBytes(4).toString("hex")}`, version = "1.0.0", ...given } = more;
  const answer = await fixture.api.post("/api/v1/hawkbit/devices", {
    id,
    product,
    hardware: "virtual",
    revision: 2,
    ...given,
  });
  if (answer.status !== 201) throw new Error(JSON.stringify(answer.body));
  const target = new Target(fixture, id, `TargetToken ${answer.body.targetToken}`);
  if (version !== "") await target.says({ version });
  return target;
}
