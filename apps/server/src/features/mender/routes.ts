// Mender's device API, below /api/devices: who asks is known before a body is read, and what one device says is dealt
// with in its order. Versions 1 and 2 of its deployments differ in how the question is put.

import express, { type Request, type RequestHandler, type Response, Router } from "express";
import { z } from "zod";
import type { Clock } from "../../clock.ts";
import { ApiError } from "../../http/errors.ts";
import type { Turns } from "../../turns.ts";
import type { ActionRow } from "../../storage/schema.ts";
import type { DeviceLog } from "../device-records/device-log.ts";
import { type Actions, readActionId } from "../other-agents/actions.ts";
import type { TakingAttributes } from "../other-agents/attributes.ts";
import type { DownloadLinks } from "../other-agents/download-links.ts";
import type { Downloads } from "../other-agents/downloads.ts";
import type { Polled } from "../other-agents/polled.ts";
import type { Artifacts } from "./artifacts.ts";
import type { AuthSets } from "./auth-sets.ts";
import type { Desk, Update } from "./desk.ts";
import { readDeviceKey, readIdentity } from "./identity.ts";
import { attributesIn, inventoryBytesMax, inventoryShape, updateQuestionShape } from "./inventory.ts";
import { logBytesMax, logShape, statusBytesMax, statusShape, tellingLines } from "./words.ts";

export interface MenderRoutesOptions {
  authSets: AuthSets;
  desk: Desk;
  artifacts: Artifacts;
  actions: Actions;
  attributes: TakingAttributes;
  downloads: Downloads;
  links: DownloadLinks;
  polled: Pick<Polled, "heard">;
  deviceLog: Pick<DeviceLog, "add">;
  turns: Turns;
  clock: Pick<Clock, "wallMs">;
}

const root = "/api/devices";
const downloads = `${root}/v1/download`;
const authBytesMax = 16 * 1024;
const questionBytesMax = 64 * 1024;
const signatureCharactersMax = 2_048;

const jsonOf = (bytesMax: number): RequestHandler => express.json({ limit: bytesMax, type: () => true });
const deviceOf = (response: Response): string => response.locals["menderDevice"] as string;
const empty = (response: Response, status: number): void => void response.status(status).end();

const authShape = z.object({ id_data: z.string(), pubkey: z.string() });

const refused = (): ApiError =>
  new ApiError("device-refused", "The device is not accepted here, or its token is over: ask for one again.");

/** The request for a token, signed by the device's key. */
function authenticating({ authSets }: MenderRoutesOptions): RequestHandler {
  return async (request, response) => {
    const body: unknown = request.body;
    const signature = request.get("x-men-signature") ?? "";
    if (!Buffer.isBuffer(body) || signature.length > signatureCharactersMax) throw refused();
    const given = authShape.safeParse(parsed(body));
    const identity = given.success ? readIdentity(given.data.id_data) : undefined;
    const key = given.success ? readDeviceKey(given.data.pubkey) : undefined;
    if (identity === undefined || key === undefined)
      throw new ApiError(
        "malformed-request",
        "id_data has to be a JSON object of texts, and pubkey a public key in PEM: RSA of 2048 to 8192 bits, ECDSA or Ed25519.",
      );
    if (!key.hasSigned(body, Buffer.from(signature, "base64"))) throw refused();
    const token = await authSets.ask(identity, key);
    if (token === undefined) throw refused();
    response.status(200).type("application/jwt").send(token);
  };
}

function parsed(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString("utf8"));
  } catch {
    return undefined;
  }
}

function admitting({ authSets, polled }: MenderRoutesOptions): RequestHandler {
  return async (request, response, next) => {
    const [, token] = /^Bearer +(\S{1,512}) *$/i.exec(request.get("authorization") ?? "") ?? [];
    const deviceId = token === undefined ? undefined : await authSets.deviceOf(token);
    if (deviceId === undefined) throw refused();
    response.locals["menderDevice"] = deviceId;
    polled.heard(deviceId);
    next();
  };
}

const documentOf = (request: Request, deviceId: string, { actionId, header, query, endsAtMs }: Update) => ({
  id: String(actionId),
  artifact: {
    artifact_name: header.name,
    device_types_compatible: header.deviceTypes,
    source: {
      uri: `${request.protocol}://${request.host}${downloads}/${encodeURIComponent(deviceId)}/${actionId}?${query}`,
      expire: new Date(endsAtMs).toISOString(),
    },
  },
});

function asking({ desk, turns }: MenderRoutesOptions): RequestHandler {
  return async (request, response) => {
    const deviceId = deviceOf(response);
    const question = updateQuestionShape.parse(request.method === "GET" ? request.query : request.body);
    const update = await turns.run(deviceId, () => desk.asked(deviceId, question));
    if (update === undefined) return empty(response, 204);
    response.status(200).json(documentOf(request, deviceId, update));
  };
}

/** Throws ApiError. */
async function actionOf(actions: Actions, deviceId: string, id: unknown): Promise<ActionRow> {
  const actionId = readActionId(id);
  const action = actionId === undefined ? undefined : await actions.find(deviceId, actionId);
  if (action === undefined) throw new ApiError("not-found", "The device has no such deployment.");
  return action;
}

function takingStatus({ desk, actions, turns }: MenderRoutesOptions): RequestHandler {
  return async (request, response) => {
    const deviceId = deviceOf(response);
    const status = statusShape.parse(request.body);
    const outcome = await turns.run(deviceId, async () =>
      desk.said(deviceId, await actionOf(actions, deviceId, request.params["id"]), status),
    );
    if (outcome === "taken") return empty(response, 204);
    response.status(409).json({ error: "the deployment was aborted" });
  };
}

function takingLog({ actions, deviceLog }: MenderRoutesOptions): RequestHandler {
  return async (request, response) => {
    const deviceId = deviceOf(response);
    const log = logShape.parse(request.body);
    const { id } = await actionOf(actions, deviceId, request.params["id"]);
    for (const line of tellingLines(log)) deviceLog.add(deviceId, "deployment", `deployment ${id} says: ${line}`);
    empty(response, 204);
  };
}

function takingInventory({ artifacts, attributes, turns }: MenderRoutesOptions): RequestHandler {
  return async (request, response) => {
    const deviceId = deviceOf(response);
    const sent = attributesIn(inventoryShape.parse(request.body), request.method === "PUT" ? "replace" : "merge");
    await artifacts.readNew();
    await turns.run(deviceId, () => attributes.take(deviceId, sent));
    empty(response, 200);
  };
}

/** The client shows no token here: the address is what lets it in. */
function sending({ actions, links, clock, ...of }: MenderRoutesOptions): RequestHandler {
  return async (request, response) => {
    const action = await actionOf(actions, String(request.params["device"]), request.params["id"]);
    if (!(await links.isSigned(action.id, request.query, clock.wallMs())))
      throw new ApiError("not-found", "The address is not complete, or its time is over: ask for the update again.");
    await of.downloads.send(request, response, action, await of.downloads.artifactOf(action.deviceId, action));
  };
}

export function menderRoutes(options: MenderRoutesOptions): Router {
  const next = ["v1", "v2"].map((version) => `${root}/${version}/deployments/device/deployments/next`);
  const ofDeployment = ["v1", "v2"].map((version) => `${root}/${version}/deployments/device/deployments/:id`);
  const status = ofDeployment.map((path) => `${path}/status`);
  const log = ofDeployment.map((path) => `${path}/log`);
  const inventory = `${root}/v1/inventory/device/attributes`;
  const router = Router();
  router.post(
    `${root}/v1/authentication/auth_requests`,
    express.raw({ limit: authBytesMax, type: () => true }),
    authenticating(options),
  );
  router.get(`${downloads}/:device/:id`, sending(options));
  router.use(root, admitting(options));
  router.get(next, asking(options));
  router.post(next, jsonOf(questionBytesMax), asking(options));
  router.put(status, jsonOf(statusBytesMax), takingStatus(options));
  router.put(log, jsonOf(logBytesMax), takingLog(options));
  router.put(inventory, jsonOf(inventoryBytesMax), takingInventory(options));
  router.patch(inventory, jsonOf(inventoryBytesMax), takingInventory(options));
  router.use(root, () => {
    throw new ApiError("not-found", "The interface has no such address; docs/mender.md lists those that it has.");
  });
  return router;
}
