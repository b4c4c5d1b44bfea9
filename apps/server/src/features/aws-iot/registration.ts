// An operator makes a thing known by its certificate, gives it another one, or takes it.

import type { Device } from "@flipside/api/types";
import { ApiError } from "../../http/errors.ts";
import type { DeviceLink } from "../../mqtt/device-link.ts";
import type { Queries, Storage } from "../../storage/storage.ts";
import type { DeviceLog } from "../device-records/device-log.ts";
import type { OtherAgents } from "../device-records/other-agents.ts";
import type { DeviceViews } from "../devices/view.ts";
import { isTaken } from "../other-agents/device-rows.ts";
import { readCertificate } from "./certificate.ts";
import { insertThing, setCertificate, thingOf } from "./thing-records.ts";

export interface ShownCertificate {
  sha256: string;
  /** ISO 8601. */
  notAfter: string;
}

export interface NewThing {
  id: string;
  /** PEM. */
  certificate: string;
  product?: string | undefined;
  hardware?: string | undefined;
  revision?: number | undefined;
}

/** All throw ApiError. */
export interface Registration {
  register(thing: NewThing, by: string): Promise<{ device: Device; certificate: ShownCertificate }>;
  /** In place of the one that it has. */
  replaceCertificate(id: string, certificate: string, by: string): Promise<ShownCertificate>;
  withdrawCertificate(id: string, by: string): Promise<void>;
}

async function refuseIfTaken(db: Queries, sha256: string, but?: string): Promise<void> {
  const whose = await thingOf(db, sha256);
  if (whose !== undefined && whose !== but)
    throw new ApiError("certificate-taken", `It is ${whose}'s. Each thing needs a key of its own.`);
}

export function createRegistration(options: {
  storage: Storage;
  views: Pick<DeviceViews, "one">;
  otherAgents: Pick<OtherAgents, "add">;
  deviceLog: Pick<DeviceLog, "add">;
  link: Pick<DeviceLink, "disconnect">;
  wallMs: () => number;
}): Registration {
  const { storage, deviceLog, link, wallMs } = options;

  /** What has come by the one before ends. */
  const change = (id: string, sha256: string | null, what: string): Promise<void> =>
    storage.transaction(async ({ db, afterCommit }) => {
      if (sha256 !== null) await refuseIfTaken(db, sha256, id);
      if (!(await setCertificate(db, id, sha256)))
        throw new ApiError("not-found", "There is no such device of AWS IoT.");
      afterCommit(() => {
        link.disconnect(id);
        deviceLog.add(id, "enrolment", what);
      });
    });

  return {
    async register({ id, certificate, product = null, hardware = null, revision }, by) {
      const { sha256, notAfterMs } = readCertificate(certificate, wallMs());
      await storage.transaction(async ({ db, changed }) => {
        if (await isTaken(db, id))
          throw new ApiError(
            "device-exists",
            `There is a device ${id}, or a claim of one. To give it another certificate, ask for that; to let another agent speak for it, delete it first.`,
          );
        await refuseIfTaken(db, sha256);
        // What nobody says here the thing may say itself.
        const first = product === null && hardware === null ? null : 1;
        const thing = { id, product, hardware, revision: revision ?? first, certificate: sha256 };
        await insertThing(db, thing, wallMs());
        changed({ kind: "device", id });
      });
      options.otherAgents.add(id, "aws-iot");
      deviceLog.add(id, "enrolment", `registered by ${by}, with the certificate ${sha256}`);
      const notAfter = new Date(notAfterMs).toISOString();
      return { device: (await options.views.one(id))!, certificate: { sha256, notAfter } };
    },

    async replaceCertificate(id, pem, by) {
      const { sha256, notAfterMs } = readCertificate(pem, wallMs());
      await change(id, sha256, `the certificate ${sha256} was given by ${by}: the one before is worthless`);
      return { sha256, notAfter: new Date(notAfterMs).toISOString() };
    },

    withdrawCertificate: (id, by) => change(id, null, `its certificate was withdrawn by ${by}`),
  };
}
