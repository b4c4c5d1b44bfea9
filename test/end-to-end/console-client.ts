// A person at the console, as a program: the same client that the browser uses.

import { type Client, createClient } from "@flipside/api/client";
import { everyPage } from "@flipside/api/every-page";
import type { RolloutAction } from "@flipside/api/rollout-transitions";
import type { Claim, Device, DeviceDetail, NewRollout, Release, Rollout, Trust } from "@flipside/api/types";

const REQUEST_TIMEOUT_MS = 30_000;

/** Every call throws ProblemError when it is refused. */
export class ConsoleClient {
  readonly url: string;
  /** For what has no name below. */
  readonly call: Client;

  constructor(url: string) {
    this.url = url;
    this.call = createClient({ url, keepsSession: true, timeoutMs: REQUEST_TIMEOUT_MS });
  }

  /** Signs in; a one-time password is changed to `newPassword` at once, as the console makes everybody do. */
  async signIn(userName: string, password: string, newPassword: string): Promise<void> {
    const user = await this.call("POST /api/v1/session", { body: { userName, password } });
    if (!user.mustChangePassword) return;
    await this.call("POST /api/v1/session/password", { body: { currentPassword: password, newPassword } });
  }

  importClaims(claims: Claim[]): Promise<{ imported: number }> {
    return this.call("POST /api/v1/claims", { body: { claims } });
  }

  devices(): Promise<Device[]> {
    return everyPage(async (query) => {
      const { devices, next } = await this.call("GET /api/v1/devices", { query });
      return { members: devices, next };
    });
  }

  device(id: string): Promise<DeviceDetail> {
    return this.call("GET /api/v1/devices/:id", { params: { id } });
  }

  uploadRelease(file: Uint8Array): Promise<Release> {
    return this.call("POST /api/v1/releases", { query: { confirmSequence: "true" }, body: file });
  }

  uploadTrust(chain: Uint8Array): Promise<Trust> {
    return this.call("POST /api/v1/trust", { body: chain });
  }

  createRollout(rollout: NewRollout): Promise<Rollout> {
    return this.call("POST /api/v1/rollouts", { body: rollout });
  }

  rollout(id: string): Promise<Rollout> {
    return this.call("GET /api/v1/rollouts/:id", { params: { id } });
  }

  changeRollout(id: string, action: RolloutAction): Promise<Rollout> {
    return this.call(`POST /api/v1/rollouts/:id/${action}`, { params: { id } });
  }
}
