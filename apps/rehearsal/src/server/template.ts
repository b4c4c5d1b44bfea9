// What every rehearsal's server begins with: an administrator, all releases uploaded, permits and claims imported. Made
// once a process, and always the same; each rehearsal has a copy.

import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { DeviceLink } from "../../../server/src/mqtt/device-link.ts";
import type { RunningServer } from "../../../server/src/server.ts";
import { base64url } from "@flipside/protocol/server-messages";
import { Machine, runOn } from "../world/machine.ts";
import { Network } from "../world/network.ts";
import { Random } from "../world/random.ts";
import { Schedule } from "../world/schedule.ts";
import { settled } from "../world/settled.ts";
import type { Identity } from "../device/conversation.ts";
import { ask } from "./ask.ts";
import { keyNamed, keySeedOf, type Project } from "./project.ts";
import type { StartServer } from "./server-code.ts";
import { type ServerSettings, serverOptions } from "./server-under-test.ts";

const devicesMax = 10;
/** Whoever makes rollouts may not approve them. */
export const approver = "bob";
export const password = "rehearsals are no secret";
export const startedAtMs = Date.UTC(2026, 0, 1);

export interface Template {
  folder: string;
  identities: readonly Identity[];
  /** Of the releases, oldest first. */
  releaseIds: readonly string[];
  remove(): void;
}

/** Memory, where the system has a file system of it: a rehearsal commits thousands of times. */
function workFolder(): string {
  try {
    return mkdtempSync("/dev/shm/flipside-rehearsal-");
  } catch {
    return mkdtempSync(join(tmpdir(), "flipside-rehearsal-"));
  }
}

/** A server that is set up: two people, all releases with their permits. */
export interface Prepared {
  server: RunningServer;
  /** Of the releases, oldest first. */
  releaseIds: readonly string[];
  importClaims(identities: readonly Identity[]): Promise<void>;
  /** Ends it in order; throws when it had an error. */
  end(): Promise<void>;
}

export async function prepareServer(
  settings: ServerSettings & { startServer: StartServer },
  on: { folder: string; schedule: Schedule; machine: Machine; link: DeviceLink },
): Promise<Prepared> {
  const { folder, schedule, machine, link } = on;
  const errors: string[] = [];
  const options = serverOptions(settings, { folder, machine, link: () => link, onError: (text) => errors.push(text) });
  const server = await settled(settings.startServer(options), { schedule });
  const { http, storage } = server.internals;
  let cookie: string | undefined;
  const post: Post = async (path, body) => {
    const answer = await settled(ask(http, { method: "POST", path, body, cookie }), { schedule });
    if (answer.status >= 300) throw new Error(`${path} was answered ${answer.status}: ${JSON.stringify(answer.body)}`);
    cookie = answer.cookie ?? cookie;
    return answer.body as Record<string, unknown>;
  };
  const first = server.firstAdministrator!;
  await post("/api/v1/session", first);
  await post("/api/v1/session/password", { currentPassword: first.password, newPassword: password });
  const { db } = storage;
  const admin = await settled(db.selectFrom("accounts").selectAll().executeTakeFirstOrThrow(), { schedule });
  // There is no other way yet to make a second account.
  await settled(
    db
      .insertInto("accounts")
      .values({ ...admin, userName: approver })
      .execute(),
    { schedule },
  );
  const releaseIds = await uploadAll(settings.project, post);
  return {
    server,
    releaseIds,
    async importClaims(identities) {
      const claims = identities.map(({ id, claimSecret }) => ({ deviceId: id, secret: base64url(claimSecret) }));
      await post("/api/v1/claims", { claims });
    },
    async end() {
      await settled(server.close(), { schedule });
      await storage.close();
      if (errors.length > 0) throw new Error(errors.join("\n"));
    },
  };
}

export async function makeTemplate(settings: ServerSettings & { startServer: StartServer }): Promise<Template> {
  const root = workFolder();
  const folder = join(root, "template");
  mkdirSync(folder);
  const schedule = new Schedule();
  const machine = new Machine(schedule, Random.of(0, "template"), startedAtMs);
  runOn(machine);
  const watcher = { sent() {}, handed() {}, dealtWith() {} };
  const link = new Network("embedded", schedule, Random.of(0, "network"), watcher).linkFor(machine.process);
  const prepared = await prepareServer(settings, { folder, schedule, machine, link });
  const identities = Array.from({ length: devicesMax }, (_, i) =>
    identityOf(`device-${String(i + 1).padStart(2, "0")}`),
  );
  await prepared.importClaims(identities);
  await prepared.end();
  const { releaseIds } = prepared;
  return { folder, identities, releaseIds, remove: () => rmSync(root, { recursive: true, force: true }) };
}

export function identityOf(id: string): Identity {
  return { id, key: keyNamed(id), keySeed: keySeedOf(id), claimSecret: Random.of(0, `claim of ${id}`).bytes(32) };
}

type Post = (path: string, body: unknown) => Promise<Record<string, unknown>>;

async function uploadAll({ releaseFiles, images, realImages }: Project, post: Post): Promise<string[]> {
  const ids: string[] = [];
  for (const [at, file] of releaseFiles.entries()) {
    const { id } = await post("/api/v1/releases?confirmSequence=true", file);
    for (const { permit } of [images[at]!, ...realImages.slice(at, at + 1)])
      await post(`/api/v1/releases/${String(id)}/permits`, permit);
    ids.push(String(id));
  }
  return ids;
}
