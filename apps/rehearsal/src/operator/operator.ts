// The operator of a rehearsal: makes rollouts, has second thoughts, and looks at what comes of it. Everything by the
// API, as the console does it.

import type { DeviceDetail, Rollout } from "@flipside/api/types";
import { type BegunOffer, type Judge, maker, type Said } from "../judge/judge.ts";
import type { ServerUnderTest } from "../server/server-under-test.ts";
import { approver, password } from "../server/template.ts";
import type { Random } from "../world/random.ts";
import { changeOf, type Choice, type CompleteRequest, requestOf } from "./requests.ts";

const resumesInCalm = 4;
/** In a calm world: looks at a rollout that waits for a window or goes at a rate, until it is cancelled. */
const patienceLooks = 12;

/** A word without who says it, which is drawn. */
type Word = Said extends infer Each ? (Each extends Said ? Omit<Each, "by"> : never) : never;

export interface OperatorWorld {
  server: ServerUnderTest;
  judge: Judge;
  random: Random;
  releaseIds: readonly string[];
  deviceIds: readonly string[];
  /** What the clock on the wall shows. */
  wallMs(): number;
  log(who: string, what: string): void;
}

type Method = "GET" | "POST" | "PATCH";
type LongWord = "approve" | "start-next-wave" | "change-rules" | "exclude" | "retry" | "roll-back";

/** Undefined: the server was killed before it answered. */
type Given<T> = { status: number; body: T } | undefined;

export class Operator {
  readonly #world: OperatorWorld;
  /** Of who has signed in. */
  readonly #cookies = new Map<string, string | undefined>();
  #made = 0;
  /** What was asked of each rollout that may have been made, by name. */
  readonly #requests = new Map<string, CompleteRequest>();
  readonly #resumed = new Map<string, number>();
  readonly #lookedAt = new Map<string, number>();
  readonly revoked = new Set<string>();

  constructor(world: OperatorWorld) {
    this.#world = world;
  }

  async #ask<T>(method: Method, path: string, body?: unknown, by = maker): Promise<Given<T>> {
    const { server, judge } = this.#world;
    const answer = await server.ask({ method, path, body, cookie: this.#cookies.get(by) });
    if (answer === undefined) return undefined;
    if (answer.status === 401 && path !== "/api/v1/session") {
      const signedIn = await server.ask({
        method: "POST",
        path: "/api/v1/session",
        body: { userName: by, password },
      });
      if (signedIn === undefined) return undefined;
      if (signedIn.status !== 200) {
        judge.found("the API answers", `signing in is answered ${signedIn.status}: ${JSON.stringify(signedIn.body)}`);
        return undefined;
      }
      this.#cookies.set(by, signedIn.cookie);
      return this.#ask(method, path, body, by);
    }
    if (answer.status >= 500)
      judge.found("the API answers", `${method} ${path} is answered ${answer.status}: ${JSON.stringify(answer.body)}`);
    return { status: answer.status, body: answer.body as T };
  }

  #log(what: string): void {
    this.#world.log("operator", what);
  }

  // ---- looking -----------------------------------------------------------------------------------------------------

  /** Looks at what was offered just now. */
  async lookAtBegun(begun: BegunOffer): Promise<void> {
    await this.look(begun.rolloutId, begun);
  }

  /** Looks at one rollout; undefined: there is no server. */
  async look(id: string, begun?: BegunOffer): Promise<Rollout | undefined> {
    const given = await this.#ask<Rollout>("GET", `/api/v1/rollouts/${id}`);
    if (given === undefined && begun !== undefined) this.#world.judge.sawBegun(undefined, begun);
    if (given === undefined) return undefined;
    if (given.status !== 200) {
      this.#world.judge.found("what is acknowledged stays", `rollout ${id} is answered ${given.status}`);
      return undefined;
    }
    if (begun !== undefined) this.#world.judge.sawBegun(given.body, begun);
    this.#saw(given.body);
    return given.body;
  }

  #saw(shown: Rollout): void {
    this.#world.judge.saw(shown, this.#requests.get(shown.name));
  }

  /** Looks at everything. Undefined: there is no server, or it did not live to answer. */
  async lookAround(): Promise<Rollout[] | undefined> {
    const { judge } = this.#world;
    const stop = await this.#ask<{ stopped: boolean }>("GET", "/api/v1/emergency-stop");
    if (stop === undefined) return undefined;
    judge.sawStop(stop.body.stopped);
    const list = await this.#ask<{ rollouts: { id: string }[] }>("GET", "/api/v1/rollouts");
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
    return (await this.#ask<DeviceDetail>("GET", `/api/v1/devices/${id}`))?.body;
  }

  // ---- acting ------------------------------------------------------------------------------------------------------

  /** Something that comes to mind. */
  async act(): Promise<void> {
    const { random } = this.#world;
    if (!this.#world.server.isRunning) return;
    const drawn = random.next();
    if (this.#made < 2 || drawn < 0.27) return this.#make();
    if (drawn < 0.33) return this.#stop();
    if (drawn < 0.45) return this.endStop();
    if (drawn < 0.47) return this.#revoke();
    if (drawn < 0.53) return this.#askWhy();
    if (drawn < 0.75)
      return this.#word(
        random.pick(["pause", "pause", "resume", "resume", "resume", "cancel", "end-late-offers"] as const),
      );
    return this.#longWord(
      random.pick([
        "approve",
        "approve",
        "start-next-wave",
        "change-rules",
        "change-rules",
        "exclude",
        "retry",
        "roll-back",
      ] as const),
    );
  }

  get #choice(): Choice {
    const { releaseIds, deviceIds, wallMs } = this.#world;
    return { releaseIds, deviceIds, wallMs: wallMs() };
  }

  async #make(): Promise<void> {
    const { random, judge } = this.#world;
    const request = requestOf(random, ++this.#made, this.#choice);
    this.#requests.set(request.name, request);
    const given = await this.#ask<Rollout>("POST", "/api/v1/rollouts", request);
    this.#log(`makes ${request.name}: ${JSON.stringify(request)}: ${given?.status}`);
    if (given?.status === 201) judge.saw(given.body, request, -Infinity);
  }

  async #known(): Promise<{ id: string; name: string; state: Rollout["state"] }[]> {
    const list = await this.#ask<{ rollouts: { id: string; name: string; state: Rollout["state"] }[] }>(
      "GET",
      "/api/v1/rollouts",
    );
    return list?.body.rollouts ?? [];
  }

  async #word(word: "pause" | "resume" | "cancel" | "end-late-offers"): Promise<void> {
    const fits = { pause: "running", resume: "paused", cancel: "running", "end-late-offers": "completed" }[word];
    const all = await this.#known();
    const fitting = all.filter(({ state }) => state === fits);
    // Now and then what is not possible.
    const among = fitting.length > 0 && !this.#world.random.chance(0.1) ? fitting : all;
    if (among.length > 0) await this.#say(this.#world.random.pick(among), { word });
  }

  /** What wants a rollout of which more is known than its name. */
  async #longWord(word: LongWord): Promise<void> {
    const { random } = this.#world;
    const over = word === "roll-back" || word === "retry" ? ["completed", "cancelled"] : [];
    const fitting = (await this.#known()).filter(({ state }) => ["running", "paused", ...over].includes(state));
    if (fitting.length === 0) return;
    const shown = await this.look(random.pick(fitting).id);
    if (shown === undefined) return;
    const { waves, currentWave, deployments } = shown;
    const some = random.some(deployments, random.between(1, 2)).map(({ deviceId }) => deviceId);
    const wave = currentWave >= 0 && random.chance(0.4) ? random.between(0, currentWave) : undefined;
    const said: Record<LongWord, () => Word> = {
      approve: () => ({ word: "approve" }),
      "start-next-wave": () => ({ word: "start-next-wave" }),
      "change-rules": () => ({
        word: "change-rules",
        change: changeOf(random, this.#choice, { present: currentWave, count: waves.length }),
      }),
      exclude: () => ({ word: "exclude", deviceIds: some }),
      retry: () => ({ word: "retry", deviceIds: random.chance(0.5) ? undefined : some }),
      "roll-back": () => ({ word: "roll-back", wave }),
    };
    // Now and then who made it tries to approve it, too.
    await this.#say(shown, said[word](), word === "approve" && random.chance(0.7) ? approver : maker);
  }

  /** What goes with a word is as it was last seen. */
  async #say({ id, name, currentWave = -1 }: Addressed, about: Word, by = maker): Promise<void> {
    const { judge } = this.#world;
    const said = { ...about, by } as Said;
    const { method, path, body } = requestFor(said);
    judge.says(id, said);
    const given = await this.#ask<Rollout>(method, `/api/v1/rollouts/${id}/${path}`, body, by);
    this.#log(`says ${said.word} to ${name}${body === undefined ? "" : ` ${JSON.stringify(body)}`}: ${given?.status}`);
    if (given !== undefined && given.status !== 200) judge.refused(id, said);
    if (given?.status === 200) judge.done(given.body, said, currentWave);
  }

  async #stop(): Promise<void> {
    const { judge } = this.#world;
    if (judge.stop !== "in force") judge.stopIs(undefined);
    const given = await this.#ask<{ stopped: boolean }>("POST", "/api/v1/emergency-stop", { reason: "a rehearsal" });
    this.#log(`stops all updates: ${given?.status}`);
    if (given !== undefined) judge.stopIs(given.body.stopped);
  }

  async endStop(): Promise<void> {
    const { judge } = this.#world;
    if (judge.stop === "none") return;
    judge.stopIs(undefined);
    const given = await this.#ask<{ stopped: boolean }>("POST", "/api/v1/emergency-stop/end");
    this.#log(`ends the stop: ${given?.status}`);
    if (given !== undefined) judge.stopIs(given.body.stopped);
  }

  async #revoke(): Promise<void> {
    const { random, deviceIds, judge } = this.#world;
    const id = random.pick(deviceIds);
    const given = await this.#ask("POST", `/api/v1/devices/${id}/revoke`);
    this.#log(`revokes ${id}: ${given?.status}`);
    // Whether or not it was answered, nothing is expected of it any more.
    this.revoked.add(id);
    if (given?.status === 200) judge.revoked(id);
  }

  async #askWhy(): Promise<void> {
    const { random, deviceIds, judge } = this.#world;
    const rollouts = (await this.#known()).map(({ id }) => `rollouts/${id}`);
    const path = random.pick([...rollouts, ...deviceIds.map((id) => `devices/${id}`)]);
    const given = await this.#ask<{ sentence?: string }>("GET", `/api/v1/${path}/why`);
    if (given === undefined || (given.status === 404 && path.startsWith("devices"))) return;
    if (given.status !== 200 || !given.body.sentence)
      judge.found("the API answers", `why of ${path} is answered ${given.status}: ${JSON.stringify(given.body)}`);
    else this.#log(`asks why of ${path}: ${given.body.sentence}`);
  }

  /** In a calm world: what is paused or waits for somebody goes on, and is cancelled when it won't. */
  async tidy(shown: readonly Rollout[]): Promise<void> {
    if (this.#world.judge.stop !== "none") await this.endStop();
    for (const rollout of shown) {
      if (rollout.state === "running") await this.#hurry(rollout);
      if (rollout.state !== "paused") continue;
      const resumed = this.#resumed.get(rollout.id) ?? 0;
      this.#resumed.set(rollout.id, resumed + 1);
      await this.#say(rollout, { word: resumed < resumesInCalm ? "resume" : "cancel" });
    }
  }

  /** A window or a start may be hours away, and a rate slow: nobody waits for those. */
  async #hurry(rollout: Rollout): Promise<void> {
    const { id, heldFor, settings, currentWave } = rollout;
    // A wave that waits for its time may want approval besides, before anybody can start it.
    const isToBeApproved = heldFor !== null && settings.rules[currentWave + 1]?.approval === true;
    if (isToBeApproved) await this.#say(rollout, { word: "approve" }, approver);
    if (heldFor === "start-time") return this.#say(rollout, { word: "start-next-wave" });
    if (settings.maintenance === null && settings.rules.every(({ rate }) => rate === null)) return;
    const looks = this.#lookedAt.get(id) ?? 0;
    this.#lookedAt.set(id, looks + 1);
    if (looks >= patienceLooks) await this.#say(rollout, { word: "cancel" });
  }
}

/** What is said to, with the wave that it is in. */
type Addressed = Pick<Rollout, "id" | "name"> & { currentWave?: number };

function requestFor(said: Said): { method: Method; path: string; body?: unknown } {
  switch (said.word) {
    case "change-rules":
      return { method: "PATCH", path: "rules", body: said.change };
    case "exclude":
      return { method: "POST", path: said.word, body: { deviceIds: said.deviceIds } };
    case "retry":
      return {
        method: "POST",
        path: said.word,
        body: said.deviceIds === undefined ? {} : { deviceIds: said.deviceIds },
      };
    case "roll-back":
      return { method: "POST", path: said.word, body: said.wave === undefined ? {} : { wave: said.wave } };
    default:
      return { method: "POST", path: said.word };
  }
}
