// /api/v1/trust

import { routes } from "@flipside/api/routes";
import { bind, type BoundRoute } from "../../http/bind.ts";
import type { Queries } from "../../storage/storage.ts";
import { trustSpread } from "./spread.ts";
import type { Trust } from "./trust.ts";

/** `replacement`: takes a newer record, with all that follows from it. */
export function trustRoutes(
  db: Queries,
  trust: Pick<Trust, "view" | "relation" | "version" | "chainOf">,
  replacement: Pick<Trust, "replace">,
): BoundRoute[] {
  return [
    bind(routes.getTrust, () => trust.view()),
    bind(routes.getTrustChain, ({ response }) => {
      response.type("application/octet-stream").send(Buffer.from(trust.chainOf(trust.version)));
      return undefined;
    }),
    bind(routes.getTrustSpread, ({ user: { scope } }) => trustSpread(db, trust, scope)),
    bind(routes.uploadTrust, async ({ body, user, note }) => {
      const { version: before } = await trust.view();
      const replaced = await replacement.replace(body, user.userName);
      note({ before: { version: before }, after: { version: replaced.version } });
      return replaced;
    }),
  ];
}
