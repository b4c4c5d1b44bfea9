// A fleet that lives at a broker of the operator's, which several servers share by leases: who has what of it, and a
// rollout of two waves for all of it.

import { SHARDS, shardOf } from "@flipside/protocol/topics";
import { expect } from "vitest";
import { makeRelease, payloadOf } from "../keys.ts";
import type { ProtocolDevice } from "../protocol-device.ts";
import { type Life, live } from "./living-device.ts";
import type { Member, SeveralServers } from "./several-servers.ts";

const sharedMsMax = 60_000;
const doneMsMax = 120_000;
const rhythm = { pollMs: 200, pauseMs: 300 };

export class FleetAtABroker {
  readonly lives: Life[] = [];
  /** What the devices run once they have started it. */
  readonly #release = { version: "", releaseSequence: 1 };

  constructor(readonly several: SeveralServers) {}

  get devices(): ProtocolDevice[] {
    return this.lives.map(({ device }) => device);
  }

  /** They connect to these addresses in turn. */
  async add(count: number, mqttUrls: readonly string[]): Promise<void> {
    for (let i = 0; i < count; i++) {
      const id = `dev-${String(this.lives.length).padStart(2, "0")}`;
      const device = await this.several.newDevice(id, mqttUrls[i % mqttUrls.length]);
      this.lives.push(live(device, this.#release, rhythm));
    }
  }

  /** Shards by the name of the member that leases them; of nobody: under "". */
  async shards(): Promise<Record<string, string[]>> {
    const rows = await this.several.query(
      `select shard, coalesce(name, '') as name from "shardLeases" left join members on members.id = "memberId" order by shard`,
    );
    const by: Record<string, string[]> = {};
    for (const { shard, name } of rows) (by[String(name)] ??= []).push(String(shard));
    return by;
  }

  /** Devices by the name of the member that has them, as the database says. */
  async owned(): Promise<Record<string, string[]>> {
    const rows = await this.several.query(
      `select "deviceId", name from "deviceOwners" join members on members.id = "memberId" order by "deviceId"`,
    );
    const by: Record<string, string[]> = {};
    for (const { deviceId, name } of rows) (by[String(name)] ??= []).push(String(deviceId));
    return by;
  }

  /** Waits until these share all shards evenly. */
  async shared(names: readonly string[]): Promise<void> {
    const counts = async (): Promise<Record<string, number>> =>
      Object.fromEntries(Object.entries(await this.shards()).map(([name, shards]) => [name, shards.length]));
    await expect
      .poll(async () => Object.keys(await counts()).toSorted(), { timeout: sharedMsMax })
      .toEqual(names.toSorted());
    await expect
      .poll(async () => Math.max(...Object.values(await counts())), { timeout: sharedMsMax })
      .toBe(Math.ceil(SHARDS / names.length));
    const held = Object.values(await counts());
    expect(Math.min(...held)).toBe(Math.floor(SHARDS / names.length));
    expect(held.reduce((sum, count) => sum + count)).toBe(SHARDS);
  }

  /** Waits until each device is the member's that leases its shard, and each of these has some. */
  async ownedByShard(names: readonly string[]): Promise<void> {
    const astray = async (): Promise<string[]> => {
      const [shards, owned] = [await this.shards(), await this.owned()];
      const isRight = (id: string): boolean =>
        Object.entries(owned).some(([name, ids]) => ids.includes(id) && shards[name]?.includes(shardOf(id)));
      return this.devices.map(({ id }) => id).filter((id) => !isRight(id));
    };
    await expect.poll(astray, { timeout: sharedMsMax }).toEqual([]);
    expect(Object.keys(await this.owned()).toSorted()).toEqual(names.toSorted());
  }

  /** Waits until each of these says of all devices that they are online. */
  async onlineAt(members: readonly Member[]): Promise<void> {
    for (const member of members) {
      const api = this.several.at(member);
      for (const { id } of this.devices)
        await expect
          .poll(async () => (await api.get(`/api/v1/devices/${id}`)).body.online, { timeout: sharedMsMax })
          .toBe(true);
    }
  }

  /** In two waves, for all devices; `sequence` is higher than that of the one before. */
  async rollOut(at: Member, sequence: number): Promise<string> {
    const api = this.several.at(at);
    const version = `1.${sequence}.0`;
    Object.assign(this.#release, { version, releaseSequence: sequence });
    const payload = payloadOf(60_000, sequence);
    const made = await api.upload(
      await makeRelease(this.several.project, { version, releaseSequence: sequence }, payload),
    );
    for (const life of this.lives) {
      life.offered.clear();
      life.started.length = 0;
    }
    await this.several.haveCheckedIn(this.devices.length);
    return (await api.rollOut(made.id, this.devices, { waves: [{ percent: 50 }, { percent: 100 }] })).id;
  }

  /** Waits until some of the first wave are past the point of no return, and others wait. */
  async underWay(at: Member, id: string): Promise<void> {
    await this.several
      .at(at)
      .until(`/api/v1/rollouts/${id}`, ({ counts }) => counts.downloading + counts.confirmed + counts.testing > 2);
  }

  /** Waits for its end: all confirmed, and each device has started one image once. */
  async done(at: Member, id: string): Promise<void> {
    const api = this.several.at(at);
    await expect
      .poll(async () => (await api.get(`/api/v1/rollouts/${id}`)).body.state, { timeout: doneMsMax })
      .toBe("completed");
    expect((await api.get(`/api/v1/rollouts/${id}`)).body.counts).toMatchObject({ confirmed: this.lives.length });
    for (const { device, started, offered } of this.lives) {
      expect(started, `${device.id} has started`).toHaveLength(1);
      expect([...offered], `${device.id} was offered`).toEqual(started);
    }
  }

  /** Waits until each of these devices has begun a session since; how long that took. */
  async sessionsSince(sinceMs: number, ids: readonly string[]): Promise<number> {
    const first = ({ sessionsAt }: Life): number => sessionsAt.find((at) => at > sinceMs) ?? Infinity;
    const theirs = this.lives.filter(({ device }) => ids.includes(device.id));
    await expect.poll(() => Math.max(...theirs.map(first)), { timeout: doneMsMax }).toBeLessThan(Infinity);
    return Math.max(...theirs.map(first)) - sinceMs;
  }

  /** One dies in the first wave of a rollout: nothing is lost, nothing is installed twice. `broker`: to be printed. */
  async survive(dying: Member, other: Member, sequence: number, broker: string): Promise<void> {
    const orphans = (await this.owned())[dying.name]!;
    const id = await this.rollOut(other, sequence);
    await this.underWay(other, id);
    const killedMs = performance.now();
    await dying.end("SIGKILL");
    const againMs = await this.sessionsSince(killedMs, orphans);
    await this.done(other, id);
    const doneMs = performance.now() - killedMs;
    console.log(
      `kill -9 of one of two servers at ${broker}, ${this.lives.length} devices, ${orphans.length} of them its own: all under way again after ${seconds(againMs)}, the rollout of two waves completed after ${seconds(doneMs)}`,
    );
    await this.shared([other.name]);
    await this.onlineAt([other]);
  }

  async stop(): Promise<void> {
    await Promise.all(this.lives.map((life) => life.stop()));
  }
}

export const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;
