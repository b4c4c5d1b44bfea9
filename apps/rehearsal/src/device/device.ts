// A simulated device: two slots, trials, fallbacks, an update, and a conversation with the server, over flash that
// outlives power cuts. Written after docs/protocol.md and docs/boot-control.md, so cheap that there are many; the real
// agent is in real/real-device.ts.

import { Conversation, type Identity } from "./conversation.ts";
import type { Behaviour } from "./behaviour.ts";
import { ErrorCode } from "@flipside/image-format";
import { hardware, type KnownImage, product } from "../server/project.ts";
import type { Random } from "../world/random.ts";
import type { DeviceWorld, FleetDevice, Holdings } from "./fleet-device.ts";
import { Flash, otherThan } from "./flash.ts";
import { drawnHabits, type Habits } from "./habits.ts";
import { Update } from "./update.ts";

/** Before the first offer says another. */
const pollMsFirst = 5_000;
const silentPolls = 3;
const silentMs = 30_000;
const fallbackMs = 300_000;
const unhealthyMs = 3_000;
const crashLoopBoots = 5;

type BootReason = "power-on" | "update" | "roll-back" | "trap";

export class Device implements FleetDevice {
  /** What it writes is written at once. */
  readonly cutAtOperation = undefined;
  readonly id: string;
  readonly flash: Flash;
  readonly #world: DeviceWorld;
  readonly #random: Random;
  readonly #habits: Habits;
  #conversation: Conversation;
  #update: Update;
  /** Counts runs: what was arranged in an earlier one comes to nothing. */
  #run = 0;
  isOn = false;
  #isLost = false;
  /** Of its place, not of itself. */
  isReachable = true;
  #sequence = 0;
  #bootReason: BootReason = "power-on";
  #startedMs = 0;
  #pollMs = pollMsFirst;
  #heardMs = 0;
  #takeBackPoll: () => void = () => {};
  readonly #identity: Identity;
  readonly #confirmedAtMs = new Map<KnownImage, number>();

  constructor(
    world: DeviceWorld,
    identity: Identity,
    random: Random,
    habits: Habits = drawnHabits(world, identity.id, random),
  ) {
    this.id = identity.id;
    this.#identity = identity;
    this.#world = world;
    this.#random = random;
    this.#habits = habits;
    this.flash = new Flash(habits.imageAtFirst);
    this.#conversation = this.#newConversation();
    this.#update = this.#newUpdate();
  }

  /** What runs never reaches the server. */
  get #isMute(): boolean {
    return this.flash.isOnTrial && this.#habits.behaviourOf(this.flash.running.image!).kind === "no-contact";
  }

  get holdings(): Holdings {
    const { running, other, journal } = this.flash;
    const { image, state } = running;
    return { running: { image: image!, state }, otherState: other.state, begun: journal };
  }

  log(what: string): void {
    this.#world.log(this.id, what);
  }

  after(delayMs: number, act: () => void): () => void {
    const run = this.#run;
    return this.#world.schedule.after(delayMs, () => this.isOn && run === this.#run && act());
  }

  #newConversation(): Conversation {
    const { flash } = this;
    return new Conversation(
      this.#identity,
      {
        after: (delayMs, act) => this.after(delayMs, act),
        get secret() {
          return flash.secret;
        },
        set secret(secret) {
          flash.secret = secret;
        },
        bytesPerMs: this.#habits.bytesPerMs,
        chunksAlone: this.#habits.chunksAlone,
        isReachable: () => this.isReachable && !this.#isMute,
        proven: () => this.#onProven(),
        received: (leaf, payload) => this.#onReceived(leaf, payload),
        log: (what) => this.log(what),
        violated: (what) => this.#world.violated("what devices are told", `${this.id}: ${what}`),
      },
      this.#world.network,
      this.#random,
    );
  }

  #newUpdate(): Update {
    return new Update({
      flash: this.flash,
      random: this.#random,
      project: this.#world.project,
      habits: this.#habits,
      after: (delayMs, act) => this.after(delayMs, act),
      say: (leaf, message) => this.#conversation.say(leaf, message),
      order: () => this.#order(),
      checkIn: () => this.#checkIn(),
      resetIntoCandidate: () => this.#start("update"),
      log: (what) => this.log(what),
      violated: (what) => this.#world.violated("what devices are told", `${this.id}: ${what}`),
      installing: (begun, image) => this.#world.installed(this, begun, this.flash.running.image!, image),
    });
  }

  #order(): { boot: number; sequence: number } {
    return { boot: this.flash.boot, sequence: ++this.#sequence };
  }

  powerOn(): void {
    if (!this.isOn && !this.#isLost) this.#start("power-on");
  }

  powerOff(): void {
    if (!this.isOn) return;
    this.log("power cut");
    this.#stop(true);
  }

  loseWay(forMs: number, silently: boolean): void {
    this.log(`unreachable for ${Math.round(forMs)} ms`);
    this.isReachable = false;
    this.#conversation.lose(silently);
    this.#world.schedule.after(forMs, () => (this.isReachable = true));
  }

  calmDown(): void {
    this.isReachable = true;
    this.powerOn();
  }

  lose(): void {
    this.powerOff();
    this.#isLost = true;
  }

  get isSettled(): boolean {
    return this.isOn && this.#conversation.isProven && !this.flash.isOnTrial && !this.flash.contactFallback;
  }

  #stop(silently: boolean): void {
    this.isOn = false;
    this.#run++;
    this.#conversation.cut(silently);
  }

  #start(reason: BootReason): void {
    if (this.isOn) this.#stop(false);
    this.isOn = true;
    this.#run++;
    this.#sequence = 0;
    this.#pollMs = pollMsFirst;
    this.#startedMs = this.#world.schedule.nowMs;
    const hasGivenWay = this.flash.load();
    this.#bootReason = hasGivenWay ? "roll-back" : reason;
    this.#conversation = this.#newConversation();
    this.#update = this.#newUpdate();
    const { image, state } = this.flash.running;
    this.log(`starts ${image!.version} (${state}) from slot ${this.flash.slot}: ${this.#bootReason}`);
    this.#behave(this.#habits.behaviourOf(image!));
    this.#crashNowAndThen(image!);
    if (this.flash.isOnTrial) this.#watchTrial();
    if (this.flash.contactFallback)
      this.after(Math.max(fallbackMs, this.#habits.contactDeadlineMs), () => this.#endFallback());
    this.after(this.#habits.startMs(), () => this.#conversation.begin());
  }

  #crashNowAndThen(image: KnownImage): void {
    if (this.flash.isOnTrial) return;
    const afterMs = this.#habits.crashAfterMs(image);
    // In the middle of an update it would be another trouble.
    if (afterMs !== undefined) this.after(afterMs, () => !this.#update.isInstalled && this.#start("trap"));
  }

  /** What the running image does by itself. */
  #behave(behaviour: Behaviour): void {
    const { flash } = this;
    const { image } = flash.running;
    if (behaviour.kind === "good") return;
    if (behaviour.kind === "crashes" && flash.isOnTrial)
      this.after(behaviour.afterMs, () => {
        flash.running.reason = ErrorCode.Crashed;
        this.#start("trap");
      });
    if (behaviour.kind === "unhealthy" && flash.isOnTrial)
      this.after(behaviour.afterMs + unhealthyMs, () => this.#failTrial(ErrorCode.AppUnhealthy));
    if (behaviour.kind !== "gives-way" || flash.isOnTrial) return;
    const since = this.#confirmedAtMs.get(image!);
    if (since !== undefined) this.#giveWayAt(image!, since + behaviour.afterMs);
  }

  #giveWayAt(yielding: KnownImage, atMs: number): void {
    this.after(Math.max(2_000, atMs - this.#world.schedule.nowMs), () => {
      if (this.#update.isInstalled) return;
      this.flash.boot += crashLoopBoots;
      if (this.flash.yieldToOther()) this.log(`${yielding.version} crashed again and again, and gives way`);
      this.#confirmedAtMs.delete(yielding);
      this.#start("trap");
    });
  }

  #failTrial(code: number): void {
    if (!this.flash.isOnTrial) return;
    this.log(`fails its trial (${code})`);
    this.flash.failTrial(code);
    this.#start("roll-back");
  }

  #watchTrial(): void {
    this.after(this.#habits.contactDeadlineMs, () => {
      if (!this.flash.isOnTrial) return;
      if (!this.flash.fallBackForContact()) return this.#watchTrial();
      this.log("falls back for want of contact");
      this.#start("roll-back");
    });
  }

  #endFallback(): void {
    if (!this.flash.contactFallback) return;
    this.log("has no contact either: the trial is repeated");
    this.flash.settleFallback(false);
    this.#start("update");
  }

  #onProven(): void {
    const { flash } = this;
    this.#heardMs = this.#world.schedule.nowMs;
    if (flash.contactFallback) {
      flash.settleFallback(true);
      this.#update.settled();
    }
    this.#checkIn();
    this.#update.onSessionProven();
    if (flash.isOnTrial) this.#confirmWhenHealthy();
  }

  #confirmWhenHealthy(): void {
    const behaviour = this.#habits.behaviourOf(this.flash.running.image!);
    if (behaviour.kind === "crashes" || behaviour.kind === "unhealthy") return;
    const upMs = this.#world.schedule.nowMs - this.#startedMs;
    this.after(Math.max(10, this.#habits.healthyAfterMs - upMs), () => {
      const { flash } = this;
      if (!flash.isOnTrial || !this.#conversation.isProven) return;
      flash.confirm();
      this.log(`confirmed ${flash.running.image!.version}`);
      this.#world.confirmed(this, flash.running.image!);
      this.#confirmedAtMs.set(flash.running.image!, this.#world.schedule.nowMs);
      this.#behave(behaviour);
      this.#crashNowAndThen(flash.running.image!);
      this.#update.settled();
      this.#checkIn();
    });
  }

  #onReceived(leaf: "offer" | "chunk", payload: Buffer): void {
    this.#heardMs = this.#world.schedule.nowMs;
    if (leaf === "chunk") return this.#update.onChunk(payload);
    this.#pollMs = (JSON.parse(payload.toString()) as { pollMs: number }).pollMs;
    this.#update.onOffer(payload);
  }

  #checkIn(): void {
    const { flash } = this;
    const { running, other } = flash;
    this.#takeBackPoll();
    this.#takeBackPoll = this.after(this.#pollMs, () => this.#poll());
    const { taken } = this.#update;
    this.#conversation.say("check-in", {
      ...this.#order(),
      product,
      hardware,
      revision: this.#habits.revision,
      loader: 1,
      trust: 1,
      trustDigest: this.#world.project.trustDigest,
      entropy: "good",
      bootReason: this.#bootReason,
      uptimeMs: Math.floor(this.#world.schedule.nowMs - this.#startedMs),
      floor: 1,
      health: "healthy",
      running: {
        slot: flash.slot,
        digest: running.image!.digest,
        version: running.image!.version,
        releaseSequence: running.image!.releaseSequence,
        state: running.state,
        reason: running.reason,
      },
      other: {
        slot: otherThan(flash.slot),
        ...(other.image === undefined || other.state === "empty" ? {} : { digest: other.image.digest }),
        state: other.state,
        reason: other.reason,
      },
      slotBytes: 4_194_304,
      connection: { host: "rehearsal", port: 1883 },
      ...(taken === undefined ? {} : { deployment: taken }),
    });
  }

  #poll(): void {
    const silentForMs = this.#world.schedule.nowMs - this.#heardMs;
    if (silentForMs > silentPolls * this.#pollMs + silentMs) {
      this.#heardMs = this.#world.schedule.nowMs;
      this.#conversation.proveAnew();
    }
    this.#checkIn();
  }
}
