// GET /api/v1/audit

import { routes } from "@flipside/api/routes";
import { bind, type BoundRoute } from "../../http/bind.ts";
import { pageOf } from "../../http/cursor.ts";
import { type Audit, auditList } from "./audit.ts";

export function auditRoutes(audit: Pick<Audit, "list">): BoundRoute[] {
  return [
    bind(routes.listAudit, ({ query }) =>
      audit.list({
        ...pageOf(auditList, ["number"], query),
        ...{ order: query.order, who: query.who, what: query.what },
      }),
    ),
  ];
}
