// What every feature stands on: the data folder, the database, time, and who may sign what. Nothing here listens yet.

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createStrictVerifier, type SigningKey, type StrictVerifier } from "@flipside/image-format";
import { FolderInUseError, lockFolder } from "@flipside/processes/folder-lock";
import { type Cursors, openCursors } from "../changes/cursors.ts";
import { Feed } from "../changes/feed.ts";
import { type Clock, openClock, systemClock } from "../clock.ts";
import { type Accounts, createAccounts } from "../features/accounts/accounts.ts";
import { SharedAttempts } from "../features/accounts/shared-attempts.ts";
import { passwordCost } from "../features/accounts/password.ts";
import { isNamed, readOperationsKey } from "../features/commands/operations-key.ts";
import { openBucket } from "../features/image-bucket/bucket.ts";
import { filesInBucket } from "../features/image-bucket/files-in-bucket.ts";
import { type ImageFiles, openImageFiles } from "../features/releases/image-files.ts";
import { openTrust, type Trust } from "../features/trust/trust.ts";
import type { Logger } from "../logging.ts";
import { StartError } from "../start-error.ts";
import { databaseFileName } from "../storage/data-folder.ts";
import { messagePatienceMs } from "../storage/patience.ts";
import { makePrivate } from "../storage/private-files.ts";
import { Storage } from "../storage/storage.ts";
import { joinMembers, memberOf, type Members } from "./members.ts";
import type { ServerOptions } from "./server-options.ts";
import type { Undo } from "./undo.ts";

export interface Foundation {
  log: Logger;
  verifier: StrictVerifier;
  files: ImageFiles;
  storage: Storage;
  /** The same for what devices say, which is not asked for again. */
  patient: Storage;
  feed: Feed;
  /** By which others follow the changes. */
  cursors: Cursors;
  clock: Clock;
  trust: Trust;
  accounts: Accounts;
  /** Undefined: none was given, or the newest trust record does not name it any more. */
  operationsKey(): SigningKey | undefined;
  /** Undefined: this server has its database for itself. */
  members: Members | undefined;
  /** Sign-ins that failed at any of several servers. */
  attempts: SharedAttempts | undefined;
}

async function loadVerifier(wasm: Uint8Array | undefined): Promise<StrictVerifier> {
  if (wasm !== undefined) return createStrictVerifier(wasm as Uint8Array<ArrayBuffer>);
  const path = fileURLToPath(new URL("../../../../packages/image-format/dist/strict-verifier.wasm", import.meta.url));
  try {
    return await createStrictVerifier(await readFile(path));
  } catch (error) {
    throw new StartError(
      `The signature verifier cannot be loaded (${(error as Error).message}). Build it: npx tsx packages/image-format/assembly/build-strict-verifier.ts`,
    );
  }
}

async function loadTrust(
  given: Uint8Array | string,
  rest: Omit<Parameters<typeof openTrust>[0], "given">,
): Promise<Trust> {
  try {
    return await openTrust({
      ...rest,
      given: typeof given === "string" ? new Uint8Array(await readFile(given)) : given,
    });
  } catch (error) {
    throw new StartError(
      `The trust chain${typeof given === "string" ? ` ${given}` : ""} cannot be used: ${(error as Error).message}`,
    );
  }
}

async function loadOperationsKey(path: string | undefined, operationsKeys: readonly Uint8Array[]) {
  if (path === undefined) return undefined;
  try {
    return await readOperationsKey(path, operationsKeys);
  } catch (error) {
    throw new StartError(`The operations key ${path} cannot be used: ${(error as Error).message}`);
  }
}

/** Takes the folder for this process; returns what gives it back. */
function takeDataFolder(dataDir: string): () => void {
  try {
    const lock = lockFolder(dataDir);
    return () => lock.release();
  } catch (error) {
    throw error instanceof FolderInUseError
      ? new StartError(`${error.message} (--data-dir)`)
      : new StartError(`The data folder ${dataDir} cannot be used: ${(error as Error).message}`);
  }
}

async function inBucket(
  folder: ImageFiles,
  { imagesBucket, imagesEndpoint }: ServerOptions,
  log: Logger,
  undo: Undo,
): Promise<ImageFiles> {
  const bucket = await openBucket(imagesBucket!, imagesEndpoint);
  undo.push(() => bucket.close());
  return filesInBucket(folder, bucket, log);
}

/** Up to where nothing comes any more: alone by what was told, beside others by which transactions have ended. */
const settledBy = (storage: Storage, feed: Feed, members: Members | undefined) => async (): Promise<number> => {
  if (members === undefined) return feed.newest();
  const { settled } = members.others;
  // What this server has committed up to there is told by itself, a moment later.
  await storage.published;
  return settled;
};

export async function layFoundation(options: ServerOptions, log: Logger, undo: Undo): Promise<Foundation> {
  const verifier = await loadVerifier(options.verifierWasm);
  const member = memberOf(options);
  undo.push(takeDataFolder(options.dataDir));
  const file = options.databaseUrl === undefined ? join(options.dataDir, databaseFileName) : undefined;
  for (const line of makePrivate(options.dataDir, file)) log.warn(`others could read the server's data: ${line}`);
  const storage = await Storage.open(file === undefined ? { url: options.databaseUrl! } : { file }, {
    onError: (error) => log.error({ err: error as Error }, "a listener or a connection of the database failed"),
    secretKey: options.secretKey,
    memberId: member?.id,
    onStatement: options.onStatement,
  });
  undo.push(() => storage.close());
  const feed = new Feed(storage, log);
  const members = member && (await joinMembers(member, { storage, feed, clock: () => clock, log }));
  const cursors = await openCursors(storage, settledBy(storage, feed, members));
  const images = options.imagesDir && { folder: options.imagesDir, memberName: member?.name ?? "only" };
  const folder = await openImageFiles(options.dataDir, options.fileSystem, images || undefined);
  const files = options.imagesBucket === undefined ? folder : await inBucket(folder, options, log, undo);
  const agreedMs = await members?.membership.agreedSteadyMs();
  const clock: Clock = await openClock(storage, { ...systemClock, ...options.clock }, agreedMs);
  const trust = await loadTrust(options.trustChain, { storage, verifier, log });
  const operationsKey = await loadOperationsKey(options.operationsKey, trust.operationsKeys);
  const attempts = members && new SharedAttempts(storage);
  return {
    log,
    members,
    attempts,
    verifier,
    files,
    storage,
    patient: storage.withPatience(messagePatienceMs),
    feed,
    cursors,
    clock,
    trust,
    accounts: await createAccounts(storage, clock, options.passwordCost ?? passwordCost, log, attempts),
    operationsKey: () =>
      operationsKey !== undefined && isNamed(operationsKey, trust.operationsKeys) ? operationsKey : undefined,
  };
}
