// A person at the console, as a program: the same HTTP interface that the browser uses.

export interface DeviceView {
  id: string;
  hardware: string;
  online: boolean;
  running: { slot: string; digest: string; version: string; releaseSequence: number; state: string } | null;
  other: { slot: string; digest: string | null; version: string | null; state: string; reason: number; reasonName: string } | null;
  health: string;
  bootCounter: number | null;
  trustVersion: number | null;
  activeDeployment: DeploymentView | null;
}

export interface DeploymentView {
  id: string;
  deviceId: string;
  digest: string;
  wave: number;
  attempt: number;
  state: string;
  code: number;
  codeName: string | null;
  done: number;
  total: number;
}

export interface RolloutView {
  id: string;
  name: string;
  state: string;
  pauseReason: string | null;
  total: number;
  counts: Record<string, number>;
  waves: { index: number; total: number; finished: number; succeeded: number; state: string }[];
  deployments: DeploymentView[];
  decisions: { at: string; text: string }[];
}

export interface ReleaseView {
  id: string;
  version: string;
  images: { digest: string; hardware: string; sizeBytes: number }[];
}

/** An answer that is not 2xx: RFC 9457 problem details. */
export class ProblemError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    detail: string,
  ) {
    super(`${status} ${code}: ${detail}`);
    this.name = "ProblemError";
  }
}

const REQUEST_TIMEOUT_MS = 30_000;

export class ConsoleClient {
  #cookie = "";

  constructor(readonly url: string) {}

  /** Signs in; a one-time password is changed to `newPassword` at once, as the console makes everybody do. */
  async signIn(userName: string, password: string, newPassword: string): Promise<void> {
    const user = await this.request<{ mustChangePassword: boolean }>("POST", "/api/session", { userName, password });
    if (user.mustChangePassword) await this.request("POST", "/api/session/password", { currentPassword: password, newPassword });
  }

  importClaims(claims: { deviceId: string; secret: string }[]): Promise<{ imported: number }> {
    return this.request("POST", "/api/claims", { claims });
  }

  async devices(): Promise<DeviceView[]> {
    return (await this.request<{ devices: DeviceView[] }>("GET", "/api/devices")).devices;
  }

  device(id: string): Promise<DeviceView & { deployments: DeploymentView[]; log: { at: string; kind: string; detail: string }[] }> {
    return this.request("GET", `/api/devices/${encodeURIComponent(id)}`);
  }

  uploadRelease(file: Uint8Array): Promise<ReleaseView> {
    return this.request("POST", "/api/releases?confirmSequence=true", file);
  }

  uploadTrust(chain: Uint8Array): Promise<{ version: number }> {
    return this.request("POST", "/api/trust", chain);
  }

  createRollout(rollout: {
    name: string;
    releaseId: string;
    target: { all: true } | { deviceIds: string[] };
    waves: ({ percent: number } | { count: number })[];
    deadlineMs?: number;
    failureThresholdPercent?: number;
    allowOlder?: boolean;
  }): Promise<RolloutView> {
    return this.request("POST", "/api/rollouts", rollout);
  }

  rollout(id: string): Promise<RolloutView> {
    return this.request("GET", `/api/rollouts/${encodeURIComponent(id)}`);
  }

  changeRollout(id: string, change: "pause" | "resume" | "cancel"): Promise<RolloutView> {
    return this.request("POST", `/api/rollouts/${encodeURIComponent(id)}/${change}`);
  }

  /** Throws ProblemError for an answer that is not 2xx. */
  async request<T>(method: string, path: string, body?: unknown): Promise<T> {
    const isBinary = body instanceof Uint8Array;
    const response = await fetch(this.url + path, {
      method,
      headers: {
        origin: this.url,
        ...(this.#cookie ? { cookie: this.#cookie } : {}),
        ...(body === undefined ? {} : { "content-type": isBinary ? "application/octet-stream" : "application/json" }),
      },
      body: body === undefined ? undefined : isBinary ? (body as Uint8Array<ArrayBuffer>) : JSON.stringify(body),
      signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
    });
    for (const cookie of response.headers.getSetCookie()) this.#cookie = cookie.split(";")[0]!;
    const text = await response.text();
    const parsed = text === "" ? undefined : (JSON.parse(text) as Record<string, unknown>);
    if (!response.ok) throw new ProblemError(response.status, String(parsed?.["code"] ?? "unknown"), String(parsed?.["detail"] ?? text.slice(0, 300)));
    return parsed as T;
  }
}
