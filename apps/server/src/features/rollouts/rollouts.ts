// Rollouts: the engine's service. Each event loads a snapshot, asks the engine, stores the changes and publishes after
// the commit. Everything that matters is in the database, so a server that was killed goes on where it was: offers are
// sent again, under the same ids, when devices check in.

import { createHash } from "node:crypto";
import { imageFor, runsNewer } from "@flipside/api/release-fit";
import { waveSizes } from "@flipside/api/rollout-arithmetic";
import type { CompleteNewRollout as NewRollout, Rollout as RolloutDetail, RolloutSummary } from "@flipside/api/types";
import { isFinal, deploymentStateOf, ErrorCode as FormatErrorCode, errorName } from "@flipside/image-format";
import type { Clock } from "../../clock.ts";
import { ApiError } from "../../http/errors.ts";
import { iso, newId } from "../../identifiers.ts";
import type { Logger } from "../../logging.ts";
import type { DeploymentRow, DeviceRow, ImageRow, RolloutRow } from "../../storage/schema.ts";
import type { Queries, Storage, Work } from "../../storage/storage.ts";
import type { ImageFile } from "../chunk-delivery/chunk-delivery.ts";
import type { DeviceLog } from "../devices/device-log.ts";
import { deploymentView, type RunningSlot, selectDeployments } from "../devices/view.ts";
import type { EventHub } from "../events/event-hub.ts";
import type { ImageStore } from "../releases/image-store.ts";
import type { StateReport } from "../sessions/messages.ts";
import type { Trust } from "../trust/trust.ts";
import { type Changes, type CheckInEvidence, outcomeText, provenState, type RolloutEvent, step, waveIsOpen } from "../../domain/rollout-engine.ts";
import { addCounts, finalStates, loadSnapshot, lockRollout, openToCheckIn, selectRollouts, snapshotOf, storeChanges, summaries } from "./store.ts";

export interface OfferContent {
  deployment: string;
  attempt: number;
  sizeBytes: number;
  header: string;
  signatures: string;
  permit?: string;
  deadlineMs: number;
}

export interface Rollouts {
  create(request: NewRollout, by: string): Promise<RolloutDetail>;
  list(): Promise<RolloutSummary[]>;
  summary(id: string): Promise<RolloutSummary | undefined>;
  detail(id: string): Promise<RolloutDetail>;
  pause(id: string, by: string): Promise<RolloutDetail>;
  resume(id: string, by: string): Promise<RolloutDetail>;
  cancel(id: string, by: string): Promise<RolloutDetail>;
  /** Takes what a check-in proves. */
  checkedIn(deviceId: string, evidence: CheckInEvidence): Promise<void>;
  /** Takes a `state` message; returns why it was ignored, if it was. */
  reported(deviceId: string, report: StateReport): Promise<string | undefined>;
  /** What the device should do now. Makes a queued deployment an offered one when it is due. */
  offerFor(deviceId: string): Promise<OfferContent | undefined>;
  /** The image of a deployment that the device may be fetching. */
  imageFor(deviceId: string, deploymentId: string, attempt: number): Promise<ImageFile | { refusal: string }>;
  /** Files of these images can be served again. */
  imagesMended(digests: string[]): Promise<void>;
  /** In the transaction that revokes a device. */
  deviceRevoked(work: Work, deviceId: string): Promise<void>;
  /** The newest trust record is another: rollouts of releases that it admits no more are cancelled. */
  trustReplaced(): Promise<void>;
  /** Times out what is past its deadline. */
  tick(): Promise<void>;
}

const namesListedMax = 10;
const listed = (names: string[]): string => names.slice(0, namesListedMax).join(", ") + (names.length > namesListedMax ? ` and ${names.length - namesListedMax} more` : "");
const deadlinesPerTick = 500;

export function createRollouts(options: {
  storage: Storage;
  events: EventHub;
  deviceLog: DeviceLog;
  log: Logger;
  trust: Pick<Trust, "version" | "verdict" | "relation">;
  images: Pick<ImageStore, "stateOf" | "check">;
  clock: Clock;
  /** These devices may have something else to do than they were last told. */
  offersChanged: (deviceIds: string[]) => void;
}): Rollouts {
  const { storage, events, deviceLog, log, trust, clock } = options;

  /**
   * One event through the engine, inside a transaction. `eventOf` reads what the event is about, behind the rollout's lock: what was
   * read before it may have changed. Undefined: there is no event any more.
   */
  async function apply({ db, afterCommit }: Work, rolloutId: string, eventOf: () => Promise<RolloutEvent | undefined>): Promise<Changes | undefined> {
    const row = await lockRollout(db, rolloutId);
    const event = await eventOf();
    if (row === undefined || event === undefined) return undefined;
    const changes = step(await loadSnapshot(db, row), event, clock.steadyMs());
    await storeChanges(db, rolloutId, changes, clock);
    if (changes.deployments.length === 0 && Object.keys(changes.rollout).length === 0 && changes.decisions.length === 0) return changes;

    const changedIds = changes.deployments.map((change) => change.id);
    const touched = changedIds.length === 0 ? [] : await selectInPieces(db, changedIds);
    // A wave that starts, or a rollout that goes on, makes queued deployments due.
    const due =
      changes.queuedDeadline === undefined
        ? []
        : await db.selectFrom("deployments").select("deviceId").where("rolloutId", "=", rolloutId).where("state", "=", "queued").where("wave", "<=", changes.queuedDeadline.throughWave).execute();
    afterCommit(() => {
      for (const text of changes.decisions) log.info({ rollout: rolloutId, name: row.name }, `decision: ${text}`);
      events.changed("rollout", rolloutId);
      for (const deployment of touched) {
        events.changed("deployment", deployment.id);
        if (changes.deployments.find((c) => c.id === deployment.id)?.state !== undefined) {
          events.changed("device", deployment.deviceId);
          deviceLog.add(deployment.deviceId, "deployment", `${row.name}: ${outcomeText(deployment.state, deployment.code)}`);
        }
      }
      const finished = touched.filter((deployment) => deployment.finishedAt !== null).map((deployment) => deployment.deviceId);
      if (finished.length + due.length > 0) options.offersChanged([...finished, ...due.map((d) => d.deviceId)]);
    });
    return changes;
  }

  async function selectInPieces(db: Queries, ids: string[]): Promise<DeploymentRow[]> {
    const rows: DeploymentRow[] = [];
    for (let at = 0; at < ids.length; at += 500) rows.push(...(await db.selectFrom("deployments").selectAll().where("id", "in", ids.slice(at, at + 500)).execute()));
    return rows;
  }

  async function detail(id: string): Promise<RolloutDetail> {
    const [summary] = await summaries(storage.db, id);
    if (summary === undefined) throw new ApiError("not-found", "There is no such rollout.");
    const deployments = await selectDeployments(storage.db).where("deployments.rolloutId", "=", id).orderBy("position").execute();
    const decisions = await storage.db.selectFrom("decisions").select(["at", "text"]).where("rolloutId", "=", id).orderBy("id").execute();
    return {
      ...summary,
      deployments: deployments.map(deploymentView),
      decisions: decisions.map(({ at, text }) => ({ at: iso(at), text })),
    };
  }

  /** The operator's three words. */
  async function act(id: string, eventOf: (db: Queries) => Promise<RolloutEvent>): Promise<RolloutDetail> {
    await storage.transaction(async (work) => {
      const changes = await apply(work, id, () => eventOf(work.db));
      if (changes === undefined) throw new ApiError("not-found", "There is no such rollout.");
      if (changes.refused !== undefined) throw new ApiError("rollout-state", `This is not possible: ${changes.refused}.`);
    });
    return detail(id);
  }

  function cancel(id: string, by: string): Promise<RolloutDetail> {
    return act(id, async (db) => ({
      type: "cancel",
      by,
      open: (await db.selectFrom("deployments").selectAll().where("rolloutId", "=", id).where("finishedAt", "is", null).execute()).map((row) => snapshotOf(row)),
    }));
  }

  async function targetsOf(db: Queries, request: NewRollout, product: string): Promise<DeviceRow[]> {
    if ("all" in request.target) {
      const devices = await db.selectFrom("devices").selectAll().where("revokedAt", "is", null).where("product", "=", product).orderBy("id").execute();
      if (devices.length === 0) throw new ApiError("no-devices", `No device of product ${product} has checked in yet.`);
      return devices;
    }
    const ids = [...new Set(request.target.deviceIds)];
    const found = new Map<string, DeviceRow>();
    for (let at = 0; at < ids.length; at += 500) {
      for (const row of await db.selectFrom("devices").selectAll().where("id", "in", ids.slice(at, at + 500)).execute()) found.set(row.id, row);
    }
    const refuse = (problem: string, advice: string, pick: (id: string) => boolean): void => {
      const names = ids.filter(pick);
      if (names.length > 0) throw new ApiError("device-not-known", `${problem}: ${listed(names)}. ${advice}`, { errors: names.slice(0, 20).map((name) => ({ path: "target.deviceIds", message: `${name}: ${problem}` })) });
    };
    refuse("Not enrolled", "Take them out of the target, or enrol them first.", (id) => !found.has(id));
    refuse("Revoked", "Take them out of the target.", (id) => found.get(id)!.revokedAt !== null);
    refuse("Has never checked in, so its hardware is not known", "Wait for the first check-in.", (id) => found.get(id)!.product === null);
    refuse("Of another product", `The release is for ${product}.`, (id) => found.get(id)!.product !== product);
    return ids.map((id) => found.get(id)!);
  }

  return {
    detail,
    pause: (id, by) => act(id, async () => ({ type: "pause", by })),
    resume: (id, by) => act(id, async () => ({ type: "resume", by })),
    cancel,

    async create(request, by) {
      const id = newId();
      const stored = await storage.db.selectFrom("images").selectAll().where("releaseId", "=", request.releaseId).execute();
      const [unserved] = await options.images.check(stored);
      if (unserved !== undefined) {
        const { hardware } = stored.find((image) => image.digest === unserved.digest)!;
        throw new ApiError("image-file-missing", `The file of the image for ${hardware} (${unserved.digest}) is ${unserved.state} in the server's data directory. Upload the same release file again: it is put back.`);
      }
      await storage.transaction(async (work) => {
        const { db } = work;
        const release = await db.selectFrom("releases").selectAll().where("id", "=", request.releaseId).executeTakeFirst();
        if (release === undefined) throw new ApiError("not-found", "There is no such release.");
        const images = await db.selectFrom("images").selectAll().where("releaseId", "=", release.id).execute();
        if (images.some((image) => trust.verdict(image.digest, null) === "revoked")) {
          throw new ApiError("release-revoked", `Trust record ${trust.version} names no signer of release ${release.version} any more. Build it again, signed by a release key that is in force.`);
        }
        const devices = await targetsOf(db, request, release.product);

        const without = devices.filter((device) => imageFor(images, device) === undefined);
        if (without.length > 0) {
          const hardware = [...new Set(without.map((device) => `${device.hardware} revision ${device.revision}`))];
          throw new ApiError(
            "no-image-for-hardware",
            `Release ${release.version} has no image for ${listed(hardware)} (${listed(without.map((device) => device.id))}). Upload a release with such an image, or take these devices out of the target.`,
            { errors: without.slice(0, 20).map((device) => ({ path: "target", message: `${device.id} is ${device.hardware} revision ${device.revision}` })) },
          );
        }
        const newer = devices.filter((device) => runsNewer(device.running === null ? null : (JSON.parse(device.running) as RunningSlot), release));
        if (newer.length > 0 && !request.allowOlder) {
          throw new ApiError("release-older", `${listed(newer.map((device) => device.id))} run a newer release than ${release.version}. Set allowOlder to go back; each device then needs a permit signed by a release key.`);
        }

        const at = clock.wallMs();
        const waveTotals = waveSizes(request.waves, devices.length);
        await db
          .insertInto("rollouts")
          .values({
            id,
            name: request.name,
            releaseId: release.id,
            state: "running",
            pauseReason: null,
            currentWave: 0,
            waveTotals: JSON.stringify(waveTotals),
            deadlineMs: request.deadlineMs,
            failureThresholdPercent: request.failureThresholdPercent,
            allowOlder: request.allowOlder,
            acceptedWave: -1,
            acceptedFinished: 0,
            acceptedFailed: 0,
            createdAt: at,
            createdBy: by,
            finishedAt: null,
          })
          .execute();
        const waveOf = waveTotals.flatMap((size, wave) => Array.from({ length: size }, () => wave));
        const rows = devices.map((device, i) => {
          const image = imageFor(images, device)!;
          // Already there: counts as confirmed, by what the device itself checked in.
          const confirmed = runsConfirmed(device, image.digest);
          return {
            id: newId(),
            rolloutId: id,
            deviceId: device.id,
            digest: image.digest,
            wave: waveOf[i]!,
            attempt: 1,
            state: confirmed ? ("confirmed" as const) : ("queued" as const),
            code: 0,
            done: confirmed ? image.chunkCount : 0,
            total: image.chunkCount,
            createdAt: at,
            updatedAt: at,
            offeredAt: null,
            deadlineAt: null,
            finishedAt: confirmed ? at : null,
          };
        });
        // SQLite takes 32,766 values in one statement.
        for (let from = 0; from < rows.length; from += 500) await db.insertInto("deployments").values(rows.slice(from, from + 500)).execute();
        await addCounts(db, id, rows.map(({ wave, state }) => ({ wave, state, count: 1 })));
        await apply(work, id, async () => ({ type: "started" }));
        work.afterCommit(() => {
          for (const row of rows) {
            events.changed("deployment", row.id);
            events.changed("device", row.deviceId);
          }
        });
      });
      return detail(id);
    },

    async list() {
      return summaries(storage.db);
    },

    async summary(id) {
      return (await summaries(storage.db, id))[0];
    },

    async checkedIn(deviceId, evidence) {
      // Most check-ins prove nothing new; they cost one read and no transaction.
      const open = (await openToCheckIn(storage.db, deviceId)).filter(({ deployment }) => provenState(deployment, evidence) !== undefined);
      if (open.length === 0) return;
      await storage.transaction(async (work) => {
        for (const { rolloutId, deployment: { id } } of open) {
          await apply(work, rolloutId, async () => {
            const deployment = (await openToCheckIn(work.db, deviceId)).find((each) => each.deployment.id === id)?.deployment;
            return deployment && { type: "checked-in", deployment, evidence };
          });
        }
      });
    },

    async reported(deviceId, report) {
      return storage.transaction(async (work) => {
        const found = await work.db.selectFrom("deployments").select("rolloutId").where("id", "=", report.deployment).where("deviceId", "=", deviceId).executeTakeFirst();
        if (found === undefined) return "the device has no such deployment";
        const changes = await apply(work, found.rolloutId, async () => {
          const row = await deploymentRow(work.db, report.deployment);
          if (row.finishedAt !== null && isFinal(deploymentStateOf(row.state)) && row.state === report.state) return undefined;
          const { attempt, state, code, done, total } = report;
          return { type: "reported", deployment: snapshotOf(row), attempt, state, code, done, total };
        });
        return changes?.refused;
      });
    },

    async offerFor(deviceId) {
      const open = await storage.db.selectFrom("deployments").select("id").where("deviceId", "=", deviceId).where("finishedAt", "is", null).executeTakeFirst();
      if (open === undefined) return undefined;
      return storage.transaction(async (work) => {
        const { db } = work;
        const device = await db.selectFrom("devices").selectAll().where("id", "=", deviceId).executeTakeFirst();
        if (device === undefined || device.revokedAt !== null) return undefined;
        const rows = await db.selectFrom("deployments").selectAll().where("deviceId", "=", deviceId).where("finishedAt", "is", null).orderBy("position").execute();
        // It has a record that this server does not know: what would be offered may go back behind it.
        const relation = trust.relation(device.trustVersion, device.trustDigest);
        const isStranger = relation === "ahead" || relation === "forked";
        let active = rows.find((row) => row.state !== "queued");
        // While a candidate is on trial, whose deployment was given up here, nothing else may be begun.
        const onTrial = device.running !== null && (JSON.parse(device.running) as RunningSlot).state === "candidate";
        if (active === undefined && !onTrial) {
          for (const row of rows) {
            const rollout = await db.selectFrom("rollouts").selectAll().where("id", "=", row.rolloutId).executeTakeFirstOrThrow();
            if (!waveIsOpen(rollout, row.wave) || options.images.stateOf(row.digest) !== "present") continue;
            const alreadyConfirmed = runsConfirmed(device, row.digest);
            // Until the device has the trust record that admits it, it would only be rejected.
            if (!alreadyConfirmed && (isStranger || trust.verdict(row.digest, device.trustVersion) !== "offer")) continue;
            await apply(work, row.rolloutId, async () => ({ type: "offer-due", deployment: snapshotOf(await deploymentRow(db, row.id)), alreadyConfirmed }));
            if (alreadyConfirmed) continue;
            const offered = await deploymentRow(db, row.id);
            // Paused or cancelled in the meantime.
            if (offered.state === "queued" || offered.finishedAt !== null) continue;
            active = offered;
            break;
          }
        }
        if (active === undefined || isStranger || trust.verdict(active.digest, null) === "revoked" || options.images.stateOf(active.digest) !== "present") return undefined;
        const image = await db.selectFrom("images").selectAll().where("digest", "=", active.digest).executeTakeFirstOrThrow();
        const permit = await permitFor(db, active, deviceId);
        return {
          deployment: active.id,
          attempt: active.attempt,
          sizeBytes: image.sizeBytes,
          header: image.header.toString("base64url"),
          signatures: image.signatureBlock.toString("base64url"),
          ...(permit === undefined ? {} : { permit: permit.toString("base64url") }),
          deadlineMs: Math.max(1, (active.deadlineAt ?? 0) - clock.steadyMs()),
        };
      });
    },

    async imageFor(deviceId, deploymentId, attempt) {
      const row = await storage.db
        .selectFrom("deployments")
        .innerJoin("images", "images.digest", "deployments.digest")
        .select(["deployments.state", "deployments.attempt", "images.digest", "images.fileName", "images.tableOffset", "images.payloadOffset", "images.payloadBytes", "images.chunkBytes", "images.chunkCount"])
        .where("deployments.id", "=", deploymentId)
        .where("deployments.deviceId", "=", deviceId)
        .executeTakeFirst();
      if (row === undefined) return { refusal: "the device has no such deployment" };
      if (trust.verdict(row.digest, null) === "revoked") return { refusal: `trust record ${trust.version} names no signer of the image any more` };
      const state = options.images.stateOf(row.digest);
      if (state !== "present") return { refusal: `the image's file is ${state}` };
      if (row.attempt !== attempt) return { refusal: `it is for attempt ${attempt}, the deployment is at ${row.attempt}` };
      if (row.state === "queued" || finalStates.includes(row.state)) return { refusal: `the deployment is ${row.state}` };
      return row;
    },

    async imagesMended(digests) {
      const rows = await storage.db.selectFrom("deployments").select("deviceId").distinct().where("digest", "in", digests).where("finishedAt", "is", null).execute();
      options.offersChanged(rows.map((row) => row.deviceId));
    },

    async deviceRevoked(work, deviceId) {
      const rows = await work.db.selectFrom("deployments").selectAll().where("deviceId", "=", deviceId).where("finishedAt", "is", null).execute();
      for (const { id, rolloutId } of rows) await apply(work, rolloutId, async () => ({ type: "device-revoked", deployment: snapshotOf(await deploymentRow(work.db, id)) }));
    },

    async trustReplaced() {
      const open = await selectRollouts(storage.db).where("rollouts.state", "in", ["running", "paused"]).execute();
      for (const { id, releaseId, version } of open) {
        const images = await storage.db.selectFrom("images").select("digest").where("releaseId", "=", releaseId).execute();
        if (!images.some((image) => trust.verdict(image.digest, null) === "revoked")) continue;
        await cancel(id, `trust record ${trust.version}, which names no signer of release ${version} any more (${errorName(FormatErrorCode.SignatureUnknownKey)})`);
      }
    },

    async tick() {
      const late = await storage.db
        .selectFrom("deployments")
        .innerJoin("rollouts", "rollouts.id", "deployments.rolloutId")
        .select(["deployments.id", "deployments.rolloutId"])
        .where("deployments.finishedAt", "is", null)
        .where("deployments.deadlineAt", "is not", null)
        .where("deployments.deadlineAt", "<=", clock.steadyMs())
        // Those that wait in a paused rollout keep their place; they get a new deadline when it is resumed.
        .where((q) => q.or([q("deployments.state", "<>", "queued"), q("rollouts.state", "=", "running")]))
        .limit(deadlinesPerTick)
        .execute();
      for (const { id, rolloutId } of late) {
        await storage.transaction(async (work) => {
          await apply(work, rolloutId, async () => ({ type: "deadline-passed", deployment: snapshotOf(await deploymentRow(work.db, id)) }));
        });
      }
    },
  };
}

const deploymentRow = (db: Queries, id: string): Promise<DeploymentRow> => db.selectFrom("deployments").selectAll().where("id", "=", id).executeTakeFirstOrThrow();

function runsConfirmed(device: DeviceRow, digest: string): boolean {
  if (device.running === null) return false;
  const running = JSON.parse(device.running) as RunningSlot;
  return running.digest === digest && running.state === "confirmed";
}

/** A permit for this image, the device's own before one for any; only where the rollout wants an older image. */
async function permitFor(db: Queries, deployment: DeploymentRow, deviceId: string): Promise<Buffer | undefined> {
  const rollout: Pick<RolloutRow, "allowOlder"> = await db.selectFrom("rollouts").select("allowOlder").where("id", "=", deployment.rolloutId).executeTakeFirstOrThrow();
  if (!rollout.allowOlder) return undefined;
  const deviceHash = createHash("sha256").update(deviceId).digest("hex");
  const row = await db
    .selectFrom("permits")
    .select("permit")
    .where("digest", "=", deployment.digest)
    .where("deviceHash", "in", [deviceHash, ""])
    .orderBy("deviceHash", "desc")
    .executeTakeFirst();
  return row?.permit;
}
