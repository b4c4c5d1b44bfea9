// Where several servers use one database: what each tells the others, and what is done where it is heard. A server that
// is fenced does nothing for devices.

import type { Announcement, Feed } from "../changes/feed.ts";
import type { Membership } from "../members/membership.ts";
import { inPieces, type Notices } from "../members/notices.ts";
import type { DeviceLink, LinkHandlers } from "../mqtt/device-link.ts";
import { StorageUnavailable } from "../storage/storage-unavailable.ts";
import type { Features } from "./features.ts";
import type { Foundation } from "./foundation.ts";
import type { Members, Word } from "./members.ts";

const gatherMs = 20;
const letInWithinMs = 5_000;
const letInPauseMs = 100;

/** Of what another server announces, in few words. */
type Announced = ["device" | "release" | "deployment", string];

/** What is announced here and concerns the others is told to them, a moment's worth at a time. */
function passOn(feed: Feed, notices: Notices): void {
  let waiting = new Map<string, Announced>();
  function send(): void {
    const batch = [...waiting.values()];
    waiting = new Map();
    for (const piece of inPieces(batch)) notices.say("announced", piece);
  }
  feed.onAnnounced((announcement: Announcement) => {
    if (announcement.kind === "images-mended") notices.say("images-mended", announcement);
    if (announcement.kind !== "device" && announcement.kind !== "release") return;
    if (waiting.size === 0) setTimeout(send, gatherMs);
    waiting.set(`${announcement.kind} ${announcement.id}`, [announcement.kind, announcement.id]);
  });
}

/** That changes were stored is told once for all of a moment. */
function tellOfChanges(feed: Feed, notices: Notices): void {
  let isToldSoon = false;
  feed.follow((_change, position, isOthers) => {
    if (position === undefined || isOthers || isToldSoon) return;
    isToldSoon = true;
    setTimeout(() => {
      isToldSoon = false;
      notices.say("changes");
    }, gatherMs);
  });
}

/** What others say is done here. */
function listen(
  { notices, owners, others }: Members,
  { feed, trust, accounts }: Foundation,
  features: Features,
  link: DeviceLink,
): void {
  const { commands, images, sessions, emergencyStop } = features;
  notices.on("changes", () => others.wake());
  notices.on("announced", (data) => {
    for (const [kind, id] of data as Announced[]) feed.hear({ kind, id });
  });
  notices.on("images-mended", async (data) => {
    const mended = data as Extract<Announcement, { kind: "images-mended" }>;
    for (const digest of mended.digests) await images.failed(digest);
    feed.hear(mended);
  });
  notices.on("emergency-stop", () => emergencyStop.reload());
  notices.on("trust", async () => {
    await trust.reload();
    feed.hear({ kind: "anything" });
  });
  notices.on("device-ended", (data) => {
    const { deviceId, why } = data as Word["device-ended"];
    sessions.end(deviceId, why);
    link.disconnect(deviceId);
  });
  notices.on("sign-ins", () => accounts.watched.lookAgain());
  feed.follow((change, position, isOthers) => {
    if (!isOthers) return;
    if (change.kind === "device") commands.noticed(change.id);
    if (change.kind === "release" && position !== undefined) void trust.learnNew();
  });
  owners.follow({
    lost: (deviceId, generation) => sessions.overtaken(deviceId, generation),
    seen: (id) => feed.hear({ kind: "device", id }),
  });
}

/** From now on this server is one of them; before devices are let in. */
export async function startMember(
  members: Members,
  foundation: Foundation,
  features: Features,
  link: DeviceLink,
): Promise<void> {
  const { membership, notices, owners, leases, others } = members;
  const { feed, trust, accounts, clock, log } = foundation;
  const { sessions, slots, emergencyStop } = features;
  passOn(feed, notices);
  tellOfChanges(feed, notices);
  listen(members, foundation, features, link);
  accounts.watched.onEnded(() => notices.say("sign-ins"));
  await membership.start({
    steadyMs: clock.steadyMs,
    isFull: () => slots.inUse >= slots.max,
    isAtBroker: () => leases?.isSharing === true,
    beaten: () => void leases?.look(),
    fenced(why) {
      leases?.drop();
      const devices = sessions.endAll(why);
      for (const deviceId of devices) link.disconnect(deviceId);
      log.warn({ devices: devices.length }, "devices were sent to other servers");
    },
    async resync() {
      await trust.reload();
      await trust.learnNew();
      await emergencyStop.reload();
      await owners.read(sessions.generations());
      await others.catchUp();
      feed.hear({ kind: "anything" });
      await accounts.watched.lookAgain();
    },
    gone: (memberId) => owners.memberGone(memberId),
    buried: (memberId) =>
      void owners
        .takeAllAway(memberId)
        .catch((error: unknown) =>
          log.error({ err: error as Error }, "a dead server's devices are still under its name"),
        ),
  });
}

/** Asked at each step, since this process may have hung since the last one: a member that is fenced does nothing. */
export function servingHandlers(handlers: LinkHandlers, { membership }: Members): LinkHandlers {
  return {
    ...handlers,
    async authenticate(...shown) {
      // A refusal would tell the device that its secret is wrong.
      for (let waitedMs = 0; !membership.isServing; waitedMs += letInPauseMs) {
        if (waitedMs >= letInWithinMs)
          throw new StorageUnavailable("this server has lost its database", "Try again in a moment.");
        await new Promise((resolve) => setTimeout(resolve, letInPauseMs));
      }
      return handlers.authenticate(...shown);
    },
    message: async (message) => membership.isServing && handlers.message(message),
  };
}

export function servingLink(link: DeviceLink, membership: () => Membership): DeviceLink {
  return {
    open: (handlers) => link.open(handlers),
    checksCredentials: link.checksCredentials,
    accounts: link.accounts,
    get isUp() {
      return link.isUp;
    },
    get address() {
      return link.address;
    },
    get port() {
      return link.port;
    },
    get pskPort() {
      return link.pskPort;
    },
    get webSocketPort() {
      return link.webSocketPort;
    },
    get tlsPort() {
      return link.tlsPort;
    },
    // Of several servers none serves things.
    publishToThing: async () => false,
    publish: async (deviceId, messages) => membership().isServing && link.publish(deviceId, messages),
    bufferedBytes: (deviceId) => link.bufferedBytes(deviceId),
    disconnect: (deviceId) => link.disconnect(deviceId),
    close: () => link.close(),
  };
}

/** After the last device has left. */
export async function leaveMembers({ membership, notices, owners, leases, others }: Members): Promise<void> {
  await leases?.close();
  await others.stop();
  await owners.close();
  await notices.close();
  await membership.leave();
}
