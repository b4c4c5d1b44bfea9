// A device of Mender's device API, written from the interface's description: it says what a test tells it to.

import { generateKeyPairSync, type KeyObject, randomBytes, sign } from "node:crypto";
import type { MenderOptions } from "../../src/features/mender/mender.ts";
import { Fixture } from "../fixture.ts";
import { product } from "../keys.ts";
import { type Answered, ask } from "../hawkbit/target.ts";

export const startWithMender = (
  mender: MenderOptions = {},
  options: Parameters<typeof Fixture.start>[0] = {},
): Promise<Fixture> =>
  // One of several servers does not serve such devices.
  Fixture.start({ member: undefined, imagesDir: undefined, mender, ...options });

export interface KeyPair {
  publicKey: KeyObject;
  privateKey: KeyObject;
}

export const newKeys = (): KeyPair => generateKeyPairSync("ed25519");
export const pemOf = ({ publicKey }: KeyPair): string => publicKey.export({ type: "spki", format: "pem" }) as string;

export class MenderDevice {
  readonly fixture: Fixture;
  readonly identity: Record<string, string>;
  readonly keys: KeyPair;
  token = "";
  /** In the fleet. */
  id = "";
  artifactName = "release-1";
  deviceType = "virtual";

  constructor(fixture: Fixture, identity: Record<string, string>, keys: KeyPair = newKeys()) {
    this.fixture = fixture;
    this.identity = identity;
    this.keys = keys;
  }

  /** `change`: of the body that was signed. */
  async authenticate({ change = (body: string) => body, keys = this.keys } = {}): Promise<Answered> {
    const idData = JSON.stringify(this.identity);
    const body = JSON.stringify({ id_data: idData, tenant_token: "", pubkey: pemOf(this.keys) });
    const algorithm = keys.privateKey.asymmetricKeyType === "ed25519" ? null : "sha256";
    const signature = sign(algorithm, Buffer.from(body), keys.privateKey).toString("base64");
    const answer = await ask(`${this.fixture.server.url}/api/devices/v1/authentication/auth_requests`, {
      method: "POST",
      body: change(body),
      headers: { "x-men-signature": signature },
    });
    if (answer.status === 200) this.token = answer.body;
    return answer;
  }

  ask = (path: string, more: Parameters<typeof ask>[1] = {}): Promise<Answered> =>
    ask(path.startsWith("http") ? path : `${this.fixture.server.url}/api/devices${path}`, {
      ...more,
      headers: { authorization: `Bearer ${this.token}`, ...more.headers },
    });

  /** As the client of 3.4 asks. */
  next = (): Promise<Answered> =>
    this.ask("/v2/deployments/device/deployments/next", {
      method: "POST",
      body: {
        device_provides: { artifact_name: this.artifactName, device_type: this.deviceType },
        update_control_map: true,
      },
    });

  /** What there is to do. */
  async deployment(): Promise<{ id: string; artifact: any }> {
    const { status, body } = await this.next();
    if (status !== 200) throw new Error(`there is no deployment: ${status} ${JSON.stringify(body)}`);
    return body;
  }

  says = (id: string, status: string, substate?: string): Promise<Answered> =>
    this.ask(`/v1/deployments/device/deployments/${id}/status`, { method: "PUT", body: { status, substate } });

  inventory = (attributes: unknown[], method = "PUT"): Promise<Answered> =>
    this.ask("/v1/inventory/device/attributes", { method, body: attributes });

  shown = async (): Promise<any> => (await this.fixture.api.get(`/api/v1/devices/${this.id}`)).body;
  newest = async (): Promise<any> => (await this.shown()).deployments[0];
}

export const newMac = (): string => [2, ...randomBytes(5)].map((byte) => byte.toString(16).padStart(2, "0")).join(":");

export const authSetsOf = async (fixture: Fixture, mac: string): Promise<any[]> => {
  const { body } = await fixture.api.get("/api/v1/mender/auth-sets?limit=500");
  return body.authSets.filter(({ identity }: { identity: { mac?: string } }) => identity.mac === mac);
};

export const accept = (fixture: Fixture, id: string, admission: Record<string, unknown> = {}) =>
  fixture.api.post(`/api/v1/mender/auth-sets/${id}/accept`, {
    product,
    hardware: "virtual",
    revision: 2,
    ...admission,
  });

/** One that has asked and was accepted. */
export async function acceptedDevice(fixture: Fixture, artifactName = "release-1"): Promise<MenderDevice> {
  const mac = newMac();
  const device = new MenderDevice(fixture, { mac });
  device.artifactName = artifactName;
  await device.authenticate();
  const [set] = await authSetsOf(fixture, mac);
  const accepted = await accept(fixture, set.id);
  if (accepted.status !== 200) throw new Error(JSON.stringify(accepted.body));
  device.id = accepted.body.deviceId;
  await device.authenticate();
  return device;
}
