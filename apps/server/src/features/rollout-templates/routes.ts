// /api/v1/rollout-templates

import { routes } from "@flipside/api/routes";
import { bind, type BoundRoute } from "../../http/bind.ts";
import { pageOf } from "../../http/cursor.ts";
import { type RolloutTemplates, templateList } from "./templates.ts";

export function rolloutTemplateRoutes(templates: RolloutTemplates): BoundRoute[] {
  return [
    bind(routes.listRolloutTemplates, ({ query }) => templates.list(pageOf(templateList, ["string"], query))),
    bind(routes.saveRolloutTemplate, ({ body, user }) => templates.save(body, user.userName)),
    bind(routes.deleteRolloutTemplate, async ({ params }) => void (await templates.delete(params.id)) as undefined),
  ];
}
