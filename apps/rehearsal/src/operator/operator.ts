// The operator of a rehearsal: makes rollouts, has second thoughts, and looks at what comes of it. Everything by the
// API, as the console does it.

import type { DeviceDetail, Rollout } from "@flipside/api/types";
import type { Judge } from "../judge/judge.ts";
import type { ServerUnderTest } from "../server/server-under-test.ts";
import { password } from "../server/template.ts";
import type { Random } from "../world/random.ts";
import { type CompleteRequest, requestOf } from "./requests.ts";

const resumesInCalm = 4;

export interface OperatorWorld {
  server: ServerUnderTest;
  judge: Judge;
  random: Random;
  releaseIds: readonly string[];
  deviceIds: readonly string[];
  log(who: string, what: string): void;
}

/** Undefined: the server was killed before it answered. */
type Given<T> = { status: number; body: T } | undefined;

export class Operator {
  readonly #world: OperatorWorld;
  #cookie: string | undefined;
  #made = 0;
  /** What was asked of each rollout that may have been made, by name. */
  readonly #requests = new Map<string, CompleteRequest>();
  readonly #resumed = new Map<string, number>();
  readonly revoked = new Set<string>();

  constructor(world: OperatorWorld) {
    this.#world = world;
  }

  async #ask<T>(method: "GET" | "POST", path: string, body?: unknown): Promise<Given<T>> {
    const { server, judge } = this.#world;
    const answer = await server.ask({ method, path, body, cookie: this.#cookie });
    if (answer === undefined) return undefined;
    if (answer.status === 401 && path !== "/api/session") {
      const signedIn = await server.ask({
        method: "POST",
        path: "/api/session",
        body: { userName: "admin", password },
      });
      if (signedIn === undefined) return undefined;
      if (signedIn.status !== 200) {
        judge.found("the API answers", `signing in is answered ${signedIn.status}: ${JSON.stringify(signedIn.body)}`);
        return undefined;
      }
      this.#cookie = signedIn.cookie;
      return this.#ask(method, path, body);
    }
    if (answer.status >= 500)
      judge.found("the API answers", `${method} ${path} is answered ${answer.status}: ${JSON.stringify(answer.body)}`);
    return { status: answer.status, body: answer.body as T };
  }

  #log(what: string): void {
    this.#world.log("operator", what);
  }

  // ---- looking -----------------------------------------------------------------------------------------------------

  /** Looks at one rollout; undefined: there is no server. */
  async look(id: string, wave?: number): Promise<Rollout | undefined> {
    const given = await this.#ask<Rollout>("GET", `/api/rollouts/${id}`);
    if (given === undefined) return undefined;
    if (given.status !== 200) {
      this.#world.judge.found("what is acknowledged stays", `rollout ${id} is answered ${given.status}`);
      return undefined;
    }
    if (wave !== undefined) this.#world.judge.sawBegun(given.body, wave);
    this.#saw(given.body);
    return given.body;
  }

  #saw(shown: Rollout): void {
    this.#world.judge.saw(shown, this.#requests.get(shown.name));
  }

  /** Looks at everything. Undefined: there is no server, or it did not live to answer. */
  async lookAround(): Promise<Rollout[] | undefined> {
    const { judge } = this.#world;
    const stop = await this.#ask<{ stopped: boolean }>("GET", "/api/emergency-stop");
    if (stop === undefined) return undefined;
    judge.sawStop(stop.body.stopped);
    const list = await this.#ask<{ rollouts: { id: string }[] }>("GET", "/api/rollouts");
    if (list === undefined) return undefined;
    const shown: Rollout[] = [];
    for (const { id } of list.body.rollouts) {
      const rollout = await this.look(id);
      if (rollout === undefined) return undefined;
      shown.push(rollout);
    }
    judge.sawAll(shown);
    return shown;
  }

  async lookAtDevice(id: string): Promise<DeviceDetail | undefined> {
    return (await this.#ask<DeviceDetail>("GET", `/api/devices/${id}`))?.body;
  }

  // ---- acting ------------------------------------------------------------------------------------------------------

  /** Something that comes to mind. */
  async act(): Promise<void> {
    const { random } = this.#world;
    if (!this.#world.server.isRunning) return;
    const drawn = random.next();
    if (this.#made < 2 || drawn < 0.3) return this.#make();
    if (drawn < 0.4) return this.#stop();
    if (drawn < 0.55) return this.endStop();
    if (drawn < 0.57) return this.#revoke();
    if (drawn < 0.65) return this.#askWhy();
    return this.#word(
      random.pick(["pause", "pause", "resume", "resume", "resume", "cancel", "end-late-offers"] as const),
    );
  }

  async #make(): Promise<void> {
    const { random, releaseIds, deviceIds } = this.#world;
    const request = requestOf(random, ++this.#made, { releaseIds, deviceIds });
    this.#requests.set(request.name, request);
    const given = await this.#ask<Rollout>("POST", "/api/rollouts", request);
    this.#log(`makes ${request.name}: ${JSON.stringify(request)}: ${given?.status}`);
    if (given?.status === 201) this.#saw(given.body);
  }

  async #known(): Promise<{ id: string; name: string; state: Rollout["state"] }[]> {
    const list = await this.#ask<{ rollouts: { id: string; name: string; state: Rollout["state"] }[] }>(
      "GET",
      "/api/rollouts",
    );
    return list?.body.rollouts ?? [];
  }

  async #word(word: "pause" | "resume" | "cancel" | "end-late-offers"): Promise<void> {
    const fits = { pause: "running", resume: "paused", cancel: "running", "end-late-offers": "completed" }[word];
    const all = await this.#known();
    const fitting = all.filter(({ state }) => state === fits);
    // Now and then what is not possible.
    const among = fitting.length > 0 && !this.#world.random.chance(0.1) ? fitting : all;
    if (among.length > 0) await this.#say(this.#world.random.pick(among), word);
  }

  async #say({ id, name }: { id: string; name: string }, word: string): Promise<void> {
    const { judge } = this.#world;
    if (word === "resume") judge.asksToResume(id);
    const given = await this.#ask<Rollout>("POST", `/api/rollouts/${id}/${word}`);
    this.#log(`says ${word} to ${name}: ${given?.status}`);
    if (given !== undefined && given.status !== 200 && word === "resume") judge.refusedToResume(id);
    if (given === undefined || given.status !== 200) return;
    this.#saw(given.body);
  }

  async #stop(): Promise<void> {
    const { judge } = this.#world;
    if (judge.stop !== "in force") judge.stopIs(undefined);
    const given = await this.#ask<{ stopped: boolean }>("POST", "/api/emergency-stop", { reason: "a rehearsal" });
    this.#log(`stops all updates: ${given?.status}`);
    if (given !== undefined) judge.stopIs(given.body.stopped);
  }

  async endStop(): Promise<void> {
    const { judge } = this.#world;
    if (judge.stop === "none") return;
    judge.stopIs(undefined);
    const given = await this.#ask<{ stopped: boolean }>("POST", "/api/emergency-stop/end");
    this.#log(`ends the stop: ${given?.status}`);
    if (given !== undefined) judge.stopIs(given.body.stopped);
  }

  async #revoke(): Promise<void> {
    const { random, deviceIds, judge } = this.#world;
    const id = random.pick(deviceIds);
    const given = await this.#ask("POST", `/api/devices/${id}/revoke`);
    this.#log(`revokes ${id}: ${given?.status}`);
    // Whether or not it was answered, nothing is expected of it any more.
    this.revoked.add(id);
    if (given?.status === 200) judge.revoked(id);
  }

  async #askWhy(): Promise<void> {
    const { random, deviceIds, judge } = this.#world;
    const rollouts = (await this.#known()).map(({ id }) => `rollouts/${id}`);
    const path = random.pick([...rollouts, ...deviceIds.map((id) => `devices/${id}`)]);
    const given = await this.#ask<{ sentence?: string }>("GET", `/api/${path}/why`);
    if (given === undefined || (given.status === 404 && path.startsWith("devices"))) return;
    if (given.status !== 200 || !given.body.sentence)
      judge.found("the API answers", `why of ${path} is answered ${given.status}: ${JSON.stringify(given.body)}`);
    else this.#log(`asks why of ${path}: ${given.body.sentence}`);
  }

  /** In a calm world: what is paused goes on, and is cancelled when it won't. */
  async tidy(shown: readonly Rollout[]): Promise<void> {
    if (this.#world.judge.stop !== "none") await this.endStop();
    for (const rollout of shown) {
      if (rollout.state !== "paused") continue;
      const resumed = this.#resumed.get(rollout.id) ?? 0;
      this.#resumed.set(rollout.id, resumed + 1);
      await this.#say(rollout, resumed < resumesInCalm ? "resume" : "cancel");
    }
  }
}
