// Devices of AWS IoT, put together: they come by MQTT over TLS with certificates, and are told what to do as jobs. They
// are devices like all others; what is their own is here, and is served only where it is switched on.

import type { Router } from "express";
import type { Feed } from "../../changes/feed.ts";
import type { Logger } from "../../logging.ts";
import type { DeviceLink, ThingHandlers } from "../../mqtt/device-link.ts";
import { StorageUnavailable } from "../../storage/storage-unavailable.ts";
import type { DeviceViews } from "../devices/view.ts";
import type { Common } from "../other-agents/common.ts";
import { createDownloadLinks } from "../other-agents/download-links.ts";
import { createAuthentication } from "./authentication.ts";
import { createJobs } from "./jobs.ts";
import { createNotices } from "./notices.ts";
import { createRegistration, type Registration } from "./registration.ts";
import { createRequests, type Requests } from "./requests.ts";
import { awsIotRoutes, downloadPathOf } from "./routes.ts";
import { createShadow } from "./shadow.ts";

export interface AwsIotOptions {
  /** Where things reach this server by HTTP, such as https://fleet.example; asked when a job is told. */
  downloadsAt: () => string;
}

export interface AwsIot {
  things: ThingHandlers;
  router: Router;
  registration: Registration;
  /** Called often. */
  sweep(): void;
  close(): void;
}

interface Beside {
  link: DeviceLink;
  views: Pick<DeviceViews, "one">;
  feed: Feed;
  log: Logger;
}

type Message = Parameters<ThingHandlers["message"]>[0];

export function createAwsIot({ downloadsAt }: AwsIotOptions, common: Common, beside: Beside): AwsIot {
  const { storage, memory, turns, polled, clock } = common;
  const { link, log } = beside;
  const links = createDownloadLinks(storage);
  const jobs = createJobs(
    common,
    async (action) => downloadsAt() + (await downloadPathOf(links, action, clock.wallMs())),
  );
  const notices = createNotices(common, jobs, beside);
  const requests: Requests = createRequests(jobs, createShadow(common), clock.wallMs);
  const authenticate = createAuthentication({ storage, wallMs: clock.wallMs });

  async function deal({ thing, request, payload, reply }: Message): Promise<void> {
    polled.heard(thing);
    const { message, toldNext } = await requests.answer(thing, request, payload);
    if (toldNext !== undefined) notices.told(thing, toldNext);
    await reply([message]);
    // What it has said may have ended its job, or shown that it has.
    await notices.look(thing).catch((error: unknown) => log.debug({ err: error as Error, thing }, "not told"));
  }

  async function isServed(thing: string): Promise<boolean> {
    const device = await memory.device(thing);
    return device !== null && device.revokedAt === null && device.agent === "aws-iot";
  }

  const things: ThingHandlers = {
    authenticate,
    async message(message) {
      const { thing, request, payload, reply } = message;
      try {
        if (!(await isServed(thing))) return false;
        await turns.run(thing, () => deal(message));
        return true;
      } catch (error) {
        log.error({ err: error as Error, thing, topic: request.leaf }, "a thing's message could not be dealt with");
        // What was not stored is the sender's to say again.
        if (error instanceof StorageUnavailable) return false;
        await reply([requests.failed(request, payload)]);
        return true;
      }
    },
    connected(thing, certificate) {
      notices.connected(thing);
      // It may have been revoked, or its certificate taken, while it was let in.
      authenticate(thing, certificate).then(
        (verdict) => verdict === "accepted" || link.disconnect(thing),
        (error: unknown) => log.error({ err: error as Error, thing }, "a thing could not be looked at again"),
      );
    },
    closed: notices.closed,
  };

  return {
    things,
    router: awsIotRoutes(common, links),
    registration: createRegistration({ ...common, ...beside, wallMs: clock.wallMs }),
    sweep: notices.sweep,
    close: notices.close,
  };
}
