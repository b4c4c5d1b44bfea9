// `flipside claims list`

import { everyPage } from "@flipside/api/every-page";
import type { ClaimPage } from "@flipside/api/types";
import { command } from "../../command-line/command.ts";
import { table } from "../../command-line/table.ts";

/** A key alone may begin with "-", which is how options begin. */
export const keyPrefix = "ed25519:";

export const listClaims = command({
  name: "claims list",
  summary: "Devices that have a claim, and whether they have enrolled",
  about: "Secrets are told to nobody.",
  options: { waiting: { what: "those alone that wait for an approval" } },
  examples: ["flipside claims list"],
  connects: true,
  run: async ({ options: { waiting }, connect }) => {
    const api = connect();
    const claims = await everyPage<ClaimPage["claims"][number]>(async (query) => {
      const { claims, next } = await api("GET /api/v1/claims", {
        query: waiting ? { ...query, waiting: "yes" } : query,
      });
      return { members: claims, next };
    });
    const rows = claims.map((claim) => [
      claim.deviceId,
      claim.enrolled ? "yes" : "no",
      claim.createdAt,
      claim.endsAt ?? "never",
      String(claim.enrolmentsLeft ?? "any number"),
      claim.asked === null ? claim.approval : `asked with ${keyPrefix}${claim.asked.publicKey}`,
    ]);
    return {
      json: { claims, next: null },
      text:
        claims.length === 0
          ? "no claims"
          : table(["DEVICE", "ENROLLED", "CREATED", "ENDS", "ENROLMENTS LEFT", "APPROVAL"], rows),
    };
  },
});
