// Plays the REST contract for the console's tests: a small fleet in memory, problem details, server-sent events. It
// decides nothing by itself; the test says what happens to the fleet.

import { readFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join, normalize } from "node:path";
import type { Command, Deployment, Device, DeviceLogEntry, NewCommand, NewRollout, Release, Rollout, RolloutSummary, Trust, User } from "../src/api/types.ts";
import { isFinalState } from "../src/format.ts";
import { waveSizes } from "../src/rollout-arithmetic.ts";
import { deployment as newDeployment, noCounts, rollout as newRollout, trust as newTrust } from "./fixtures.ts";

const types: Record<string, string> = { ".html": "text/html; charset=utf-8", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml" };

class Refusal extends Error {
  readonly body: { status: number; code: string; title: string; detail: string; errors?: { path: string; message: string }[] };

  constructor(status: number, code: string, title: string, detail: string, errors?: { path: string; message: string }[]) {
    super(code);
    this.body = { status, code, title, detail, ...(errors ? { errors } : {}) };
  }
}

export class FakeServer {
  readonly devices = new Map<string, Device>();
  readonly logs = new Map<string, DeviceLogEntry[]>();
  readonly commands = new Map<string, Command[]>();
  readonly releases = new Map<string, Release>();
  readonly rollouts = new Map<string, Rollout>();
  readonly passwords = new Map([["admin", "one-time-secret"]]);
  user: User = { userName: "admin", role: "admin", mustChangePassword: true };
  trust: Trust = newTrust();
  /** What the next upload is answered with. */
  /** What the next upload becomes once the operator has confirmed its sequence. */
  confirmedUpload: Release | undefined;
  nextUpload: Release | { code: string; detail: string } = { code: "header-malformed", detail: "" };
  /** The bodies of rollouts that were asked for. */
  readonly asked: NewRollout[] = [];
  /** While true, the event stream answers as a proxy does whose server restarts. */
  streamDown = false;

  readonly #dist: string;
  #signedIn = false;
  readonly #readers = new Set<ServerResponse>();
  readonly #server = createServer((request, response) => void this.#answer(request, response));

  constructor(dist: string) {
    this.#dist = dist;
  }

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  send(kind: string, data: unknown): void {
    for (const reader of this.#readers) reader.write(`event: ${kind}\ndata: ${JSON.stringify(data)}\n\n`);
  }

  /** Breaks every event stream that is open. */
  dropStreams(): void {
    for (const reader of this.#readers) reader.destroy();
    this.#readers.clear();
  }

  signOutEverybody(): void {
    this.#signedIn = false;
  }

  /** Moves a deployment on and tells of it as the server does: deployment, device, rollout. */
  advance(rolloutId: string, deviceId: string, changes: Partial<Deployment>): void {
    const rollout = this.rollouts.get(rolloutId)!;
    const at = rollout.deployments.findIndex((each) => each.deviceId === deviceId);
    const before = rollout.deployments[at]!;
    const now = new Date().toISOString();
    const deployment = { ...before, ...changes, updatedAt: now };
    if (isFinalState(deployment.state)) deployment.finishedAt = now;
    rollout.deployments[at] = deployment;
    const device = this.devices.get(deviceId)!;
    device.activeDeployment = isFinalState(deployment.state) ? null : deployment;
    if (deployment.state === "confirmed" && before.state !== "confirmed") {
      device.other = { slot: device.running!.slot, digest: device.running!.digest, version: device.running!.version, state: "confirmed", reason: 0, reasonName: null };
      device.running = { slot: device.running!.slot === "a" ? "b" : "a", digest: deployment.digest, version: deployment.version, releaseSequence: 2, state: "confirmed" };
    }
    this.tally(rollout);
    this.send("deployment", deployment);
    this.send("device", device);
    this.send("rollout", summaryOf(rollout));
  }

  /** Counts and waves from the deployments. */
  tally(rollout: Rollout): void {
    rollout.counts = noCounts();
    for (const each of rollout.deployments) rollout.counts[each.state]++;
    let open = true;
    for (const wave of rollout.waves) {
      const ours = rollout.deployments.filter((each) => each.wave === wave.index);
      wave.finished = ours.filter((each) => isFinalState(each.state)).length;
      wave.succeeded = ours.filter((each) => each.state === "confirmed").length;
      wave.state = !open ? "waiting" : wave.finished === wave.total ? "done" : "running";
      open &&= wave.state === "done";
    }
    if (open && rollout.state === "running") {
      rollout.state = "completed";
      rollout.finishedAt = new Date().toISOString();
    }
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname: path, search } = new URL(request.url!, "http://localhost");
    try {
      if (!path.startsWith("/api/")) {
        await this.#sendFile(path, response);
        return;
      }
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      const [status, body] = this.#resource(`${request.method} ${path}`, search, Buffer.concat(chunks), response) ?? [];
      if (status === undefined) return;
      response.writeHead(status, { "content-type": "application/json" });
      response.end(body === undefined ? "" : JSON.stringify(body));
    } catch (thrown) {
      if (!(thrown instanceof Refusal)) throw thrown;
      response.writeHead(thrown.body.status, { "content-type": "application/problem+json" });
      response.end(JSON.stringify({ type: "about:blank", ...thrown.body }));
    }
  }

  /** Status and body; undefined when the response is an open stream. */
  #resource(call: string, search: string, content: Buffer, response: ServerResponse): [number, unknown?] | undefined {
    const json = <T>(): T => JSON.parse(content.toString()) as T;
    if (call === "POST /api/session") {
      const { userName, password } = json<{ userName: string; password: string }>();
      if (this.passwords.get(userName) !== password) throw new Refusal(401, "credentials-wrong", "User name or password is wrong", "");
      this.#signedIn = true;
      return [200, this.user];
    }
    if (!this.#signedIn) throw new Refusal(401, "not-signed-in", "Sign in first", "");
    if (call === "GET /api/session") return [200, this.user];
    if (call === "DELETE /api/session") {
      this.#signedIn = false;
      return [204];
    }
    if (call === "POST /api/session/password") {
      const { currentPassword, newPassword } = json<{ currentPassword: string; newPassword: string }>();
      if (this.passwords.get("admin") !== currentPassword) throw new Refusal(401, "credentials-wrong", "The present password is wrong", "");
      this.passwords.set("admin", newPassword);
      this.user = { ...this.user, mustChangePassword: false };
      return [200, this.user];
    }
    if (this.user.mustChangePassword) throw new Refusal(403, "password-change-required", "Choose a password of your own first", "");
    if (call === "GET /api/events") {
      if (this.streamDown) {
        response.writeHead(502, { "content-type": "text/html" });
        response.end("<h1>Bad gateway</h1>");
        return undefined;
      }
      response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-store" });
      response.write(": connected\n\n");
      this.#readers.add(response);
      response.on("close", () => this.#readers.delete(response));
      return undefined;
    }
    if (call === "GET /api/devices") return [200, { devices: [...this.devices.values()] }];
    if (call === "GET /api/releases") return [200, { releases: [...this.releases.values()] }];
    if (call === "GET /api/rollouts") return [200, { rollouts: [...this.rollouts.values()].map(summaryOf) }];
    if (call === "POST /api/claims") return [201, { imported: json<{ claims: unknown[] }>().claims.length }];
    if (call === "POST /api/releases") {
      if (search === "?confirmSequence=true" && this.confirmedUpload !== undefined) this.nextUpload = this.confirmedUpload;
      if ("code" in this.nextUpload) throw new Refusal(422, this.nextUpload.code, "The release file was refused", this.nextUpload.detail);
      this.releases.set(this.nextUpload.id, this.nextUpload);
      this.send("release", this.nextUpload);
      return [201, this.nextUpload];
    }
    if (call === "GET /api/trust") return [200, this.trust];
    if (call === "POST /api/trust") {
      if (content.toString() !== "record 2") throw new Refusal(422, "trust-forked", "The trust record was refused", "trust-forked: an earlier link is another");
      this.trust = newTrust({ version: 2, keys: [...this.trust.keys, { id: "aa".repeat(8), purpose: "release" as const, publicKey: "cc".repeat(32), since: 2, revokedBy: null }].map((key) => (key.id === "22".repeat(8) ? { ...key, revokedBy: 2 } : key)) });
      return [201, this.trust];
    }
    if (call === "POST /api/rollouts") return [201, this.#create(json<NewRollout>())];

    if (/^POST \/api\/releases\/[^/]+\/permits$/.test(call)) {
      if (content.toString() !== "permit") throw new Refusal(422, "permit-invalid", "The permit does not hold", "it is for another image");
      return [201, { digest: [...this.releases.values()][0]!.images[1]!.digest, anyDevice: true }];
    }

    const [, method, kind, id, action] = /^(\w+) \/api\/(devices|rollouts)\/([^/]+)(?:\/(\w+))?$/.exec(call) ?? [];
    const device = kind === "devices" ? this.devices.get(id!) : undefined;
    if (device && action === "commands") {
      const known = this.commands.get(id!) ?? [];
      if (method === "GET") return [200, { commands: known }];
      const given = { host: null, port: null, ...json<NewCommand>() };
      if (given.host === "refuse-me") throw new Refusal(409, "no-operations-key", "This server cannot sign commands", "");
      const now = new Date().toISOString();
      const command: Command = { ...given, id: String(known.length).padStart(32, "0"), deviceId: id!, state: "waiting", code: 0, codeName: null, createdAt: now, createdBy: "admin", expiresAt: now, sentAt: null, finishedAt: null };
      this.commands.set(id!, [command, ...known]);
      this.send("device", device);
      return [202, command];
    }
    if (device && method === "GET") {
      const deployments = [...this.rollouts.values()].flatMap((each) => each.deployments).filter((each) => each.deviceId === id);
      return [200, { ...device, deployments: deployments.sort((one, two) => two.createdAt.localeCompare(one.createdAt)), log: this.logs.get(id!) ?? [] }];
    }
    if (device && action === "revoke") {
      Object.assign(device, { revoked: true, online: false });
      this.send("device", device);
      return [200, device];
    }
    const rollout = kind === "rollouts" ? this.rollouts.get(id!) : undefined;
    if (rollout && method === "GET") return [200, rollout];
    if (rollout && action) return [200, this.#act(rollout, action)];
    throw new Refusal(404, "not-found", "There is nothing here", "");
  }

  #create(request: NewRollout): Rollout {
    this.asked.push(request);
    const release = this.releases.get(request.releaseId)!;
    const ids = "all" in request.target ? [...this.devices.values()].filter((each) => !each.revoked).map((each) => each.id) : request.target.deviceIds;
    if (request.name === "refuse me") {
      throw new Refusal(422, "no-image-for-hardware", "The release has no image for some devices", "dev-3 is other-board revision 2.", [{ path: "target", message: "dev-3 is other-board" }]);
    }
    const id = `r${this.rollouts.size + 1}`;
    const sizes = waveSizes(request.waves, ids.length);
    const waves = sizes.map((total, index) => ({ index, total, finished: 0, succeeded: 0, cancelled: 0, state: "waiting" as const }));
    const waveOf = sizes.flatMap((size, index) => Array<number>(size).fill(index));
    const deployments = ids.map((deviceId, i) =>
      newDeployment(`${id}-${deviceId}`, deviceId, { rolloutId: id, rolloutName: request.name, version: release.version, digest: release.images[0]!.digest, wave: waveOf[i]!, createdAt: new Date().toISOString() }),
    );
    const rollout = newRollout(id, { name: request.name, releaseId: release.id, version: release.version, total: ids.length, waves, deployments, createdAt: new Date().toISOString() });
    rollout.decisions.push({ at: rollout.createdAt, text: "created by admin; wave 1 started" });
    this.tally(rollout);
    this.rollouts.set(id, rollout);
    this.send("rollout", summaryOf(rollout));
    return rollout;
  }

  #act(rollout: Rollout, action: string): Rollout {
    const next = ({ pause: ["running", "paused"], resume: ["paused", "running"], cancel: [rollout.state, "cancelled"] } as const)[action];
    if (!next || rollout.state !== next[0]) throw new Refusal(409, "rollout-state", "The rollout is not in a state for this", `It is ${rollout.state}.`);
    rollout.state = next[1];
    rollout.pauseReason = action === "pause" ? "Paused by admin." : null;
    rollout.decisions.push({ at: new Date().toISOString(), text: `${action} by admin` });
    this.send("rollout", summaryOf(rollout));
    return rollout;
  }

  async #sendFile(path: string, response: ServerResponse): Promise<void> {
    const file = extname(path) === "" ? "index.html" : normalize(path).replace(/^(\.\.[/\\])+/, "");
    try {
      const content = await readFile(join(this.#dist, file));
      // The policy that the real server gives, in its strictest form: the console must need nothing more.
      response.writeHead(200, { "content-type": types[extname(file)] ?? "application/octet-stream", "content-security-policy": "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'" });
      response.end(content);
    } catch {
      response.writeHead(404);
      response.end();
    }
  }
}

export function summaryOf({ deployments: _deployments, decisions: _decisions, ...summary }: Rollout): RolloutSummary {
  return summary;
}
