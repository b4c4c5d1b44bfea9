// hawkBit's "Direct Device Integration API", below /DEFAULT/controller/v1: who asks is known before a body is read, and
// what one device says is dealt with in its order.

import express, { type Request, type RequestHandler, type Response, Router } from "express";
import type { z } from "zod";
import { ApiError } from "../../http/errors.ts";
import type { Turns } from "../../turns.ts";
import type { Clock } from "../../clock.ts";
import type { ActionRow } from "../../storage/schema.ts";
import { type Actions, readActionId } from "../other-agents/actions.ts";
import type { SentAttributes, TakingAttributes } from "../other-agents/attributes.ts";
import type { Downloads } from "../other-agents/downloads.ts";
import type { Polled } from "../other-agents/polled.ts";
import { addressOf, fileNameOf, isTenant, rootOf } from "./addresses.ts";
import type { Authentication } from "./authentication.ts";
import type { Desk } from "./desk.ts";
import {
  cancellationDocument,
  confirmationDocument,
  deploymentDocument,
  type Links,
  pollDocument,
} from "./documents.ts";
import type { TakingFeedback } from "./feedback.ts";
import { attributesBytesMax, attributesShape, feedbackBytesMax, type Feedback, feedbackShape } from "./shapes.ts";
import { noteAttributes, type TargetRecord } from "./target-records.ts";

export interface HawkbitRoutesOptions {
  authentication: Authentication;
  desk: Desk;
  actions: Actions;
  downloads: Downloads;
  feedback: TakingFeedback;
  attributes: TakingAttributes;
  turns: Turns;
  pollMs: number;
  polled: Pick<Polled, "heard">;
  clock: Pick<Clock, "wallMs">;
}

const device = "/:tenant/controller/v1/:device";
const deviceOf = (request: Request): string => String(request.params["device"]);
const targetOf = (response: Response): TargetRecord => response.locals["hawkbitTarget"] as TargetRecord;

const jsonOf = (bytesMax: number): RequestHandler => express.json({ limit: bytesMax, type: () => true });

/** Clients say a type of their own, or none; the length of what is answered is always said. */
function answer(response: Response, document: unknown): void {
  const body = Buffer.from(JSON.stringify(document));
  response.setHeader("Content-Type", "application/hal+json;charset=UTF-8");
  response.setHeader("Content-Length", String(body.length));
  response.status(200).end(body);
}

const taken = (response: Response): void => void response.status(200).setHeader("Content-Length", "0").end();

function admitting({ authentication, polled }: HawkbitRoutesOptions): RequestHandler {
  return async (request, response, next) => {
    if (!isTenant(String(request.params["tenant"])))
      throw new ApiError("not-found", "There is one tenant here: DEFAULT.");
    response.setHeader("Cache-Control", "no-store");
    response.locals["hawkbitTarget"] = await authentication.admit(request, deviceOf(request));
    polled.heard(deviceOf(request));
    next();
  };
}

function poll({ desk, turns, pollMs }: HawkbitRoutesOptions): RequestHandler {
  return async (request, response) => {
    const id = deviceOf(request);
    const { link, wantsAttributes, installed } = await turns.run(id, () => desk.polled(id, targetOf(response)));
    const root = rootOf(request, id);
    const links: Links = {
      ...(wantsAttributes ? { configData: { href: addressOf.attributes(root) } } : {}),
      ...(installed === undefined ? {} : { installedBase: { href: addressOf.installed(root, installed) } }),
    };
    if (link?.kind === "deploymentBase") links.deploymentBase = { href: addressOf.deployment(root, link.actionId) };
    if (link?.kind === "cancelAction") links.cancelAction = { href: addressOf.cancellation(root, link.actionId) };
    answer(response, pollDocument(pollMs, links));
  };
}

type OfAction = (action: ActionRow, request: Request, response: Response) => Promise<void>;

export function hawkbitRoutes(options: HawkbitRoutesOptions): Router {
  const { actions, downloads, feedback, attributes, turns, clock } = options;

  async function actionOf(request: Request): Promise<ActionRow> {
    const id = readActionId(request.params["action"]);
    const action = id === undefined ? undefined : await actions.find(deviceOf(request), id);
    if (action === undefined) throw new ApiError("not-found", "The device has no such action.");
    return action;
  }

  const ofAction =
    (work: OfAction): RequestHandler =>
    async (request, response) =>
      work(await actionOf(request), request, response);

  /** Answered when it is stored: what fails is said again by the client. */
  const takes =
    <S extends z.ZodType>(shape: S, take: (deviceId: string, given: z.output<S>, request: Request) => Promise<void>) =>
    async (request: Request, response: Response): Promise<void> => {
      const given = shape.parse(request.body);
      await turns.run(deviceOf(request), () => take(deviceOf(request), given, request));
      taken(response);
    };

  const takesFeedback = (
    take: (deviceId: string, action: ActionRow, given: Feedback) => Promise<void>,
  ): RequestHandler[] => [
    jsonOf(feedbackBytesMax),
    takes(feedbackShape, async (deviceId, given, request) => take(deviceId, await actionOf(request), given)),
  ];

  /** It stays up until the device has closed it. */
  const showDeployment: OfAction = async (action, request, response) => {
    if (action.state !== "open") throw new ApiError("not-found", "The action is closed, or cancelled.");
    const root = rootOf(request, action.deviceId);
    answer(response, deploymentDocument(root, action.id, await downloads.artifactOf(action.deviceId, action)));
  };
  const showInstalled: OfAction = async (action, request, response) => {
    if (action.claimedAt === null && action.provenAt === null)
      throw new ApiError("not-found", "The device has not installed it.");
    const root = rootOf(request, action.deviceId);
    answer(response, deploymentDocument(root, action.id, await downloads.pastArtifactOf(action)));
  };
  const showCancellation: OfAction = async (action, _request, response) => {
    if (action.state !== "cancelling") throw new ApiError("not-found", "The action is not cancelled.");
    answer(response, cancellationDocument(action.id));
  };
  const sendArtifact: OfAction = async (action, request, response) => {
    const artifact = await downloads.artifactOf(action.deviceId, action);
    const { product, version, hashes } = artifact;
    if (request.params["file"] !== fileNameOf(product, version, hashes.suffix))
      throw new ApiError("not-found", "The action has no such file.");
    await downloads.send(request, response, action, artifact);
  };
  const takeAttributes = (deviceId: string, sent: SentAttributes): Promise<void> =>
    attributes.take(deviceId, sent, (db) => noteAttributes(db, deviceId, clock.wallMs()));

  const router = Router();
  router.use(device, admitting(options));
  router.get(device, poll(options));
  router.get(`${device}/deploymentBase/:action`, ofAction(showDeployment));
  router.post(`${device}/deploymentBase/:action/feedback`, ...takesFeedback(feedback.ofDeployment));
  router.get(`${device}/cancelAction/:action`, ofAction(showCancellation));
  router.post(`${device}/cancelAction/:action/feedback`, ...takesFeedback(feedback.ofCancellation));
  router.get(`${device}/installedBase/:action`, ofAction(showInstalled));
  router.get(`${device}/confirmationBase`, (_request, response) => answer(response, confirmationDocument()));
  router.put(`${device}/configData`, jsonOf(attributesBytesMax), takes(attributesShape, takeAttributes));
  router.get(`${device}/softwaremodules/:action/artifacts/:file`, ofAction(sendArtifact));
  router.use(device, () => {
    throw new ApiError("not-found", "The interface has no such address; docs/hawkbit.md lists those that it has.");
  });
  return router;
}
