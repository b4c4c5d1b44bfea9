// /api/v1/rollouts

import { routes } from "@flipside/api/routes";
import { bind, type BoundRoute } from "../../http/bind.ts";
import { pageOf } from "../../http/cursor.ts";
import type { Whys } from "../deployments/why.ts";
import type { Courses } from "./course.ts";
import type { Rollouts } from "./rollouts.ts";
import { rolloutDecisions, rolloutDeployments, rolloutList } from "./summaries.ts";

export function rolloutRoutes(rollouts: Rollouts, whys: Pick<Whys, "rollout">, courses: Courses): BoundRoute[] {
  return [
    bind(routes.listRollouts, ({ query, user: { scope } }) =>
      rollouts.list({
        ...pageOf(rolloutList, ["number", "string"], query),
        archived: query.archived === "true",
        scope,
      }),
    ),
    bind(routes.createRollout, async ({ body, user, note }) => {
      const rollout = await rollouts.create({ ...body, scope: user.scope }, user.userName);
      note({ after: { id: rollout.id } });
      return rollout;
    }),
    bind(routes.preflightRollout, ({ body, user }) =>
      rollouts.preflight({ ...body, scope: user.scope }, user.userName),
    ),
    bind(routes.getRollout, ({ params }) => rollouts.detail(params.id)),
    bind(routes.listRolloutDeployments, ({ params, query }) =>
      rollouts.deployments(params.id, {
        ...pageOf(rolloutDeployments, ["number", "number"], query),
        state: query.state,
        waves: query.waves,
      }),
    ),
    bind(routes.listDecisions, ({ params, query }) =>
      rollouts.decisions(params.id, pageOf(rolloutDecisions, ["number"], query)),
    ),
    bind(routes.getRolloutCourse, ({ params }) => courses.course(params.id)),
    bind(routes.estimateRollout, ({ params }) => courses.estimate(params.id)),
    bind(routes.pauseRollout, ({ params, user }) => rollouts.pause(params.id, user.userName)),
    bind(routes.resumeRollout, ({ params, user }) => rollouts.resume(params.id, user.userName)),
    bind(routes.approveWave, ({ params, user }) => rollouts.approve(params.id, user.userName)),
    bind(routes.startNextWave, ({ params, user }) => rollouts.startNextWave(params.id, user.userName)),
    bind(routes.cloneRollout, ({ params }) => rollouts.clone(params.id)),
    bind(routes.closeTarget, ({ params, user }) => rollouts.closeTarget(params.id, user.userName)),
    bind(routes.changeRules, async ({ params, body, user, note }) => {
      const { settings: before } = await rollouts.detail(params.id);
      const rollout = await rollouts.changeRules(params.id, body, user.userName);
      note({ before: { rules: before.rules }, after: { rules: rollout.settings.rules } });
      return rollout;
    }),
    bind(routes.resizeWaves, ({ params, body, user }) => rollouts.resizeWaves(params.id, body.waves, user.userName)),
    bind(routes.excludeDevices, ({ params, body, user }) => rollouts.exclude(params.id, body.deviceIds, user.userName)),
    bind(routes.retryDevices, ({ params, body, user }) => rollouts.retry(params.id, body.deviceIds, user.userName)),
    bind(routes.rollBackRollout, ({ params, body, user }) => rollouts.rollBack(params.id, body.wave, user.userName)),
    bind(routes.endLateOffers, ({ params, user }) => rollouts.endLateOffers(params.id, user.userName)),
    bind(routes.whyRollout, ({ params }) => whys.rollout(params.id)),
    bind(routes.archiveRollout, ({ params, user }) => rollouts.archive(params.id, user.userName)),
    bind(routes.unarchiveRollout, ({ params, user }) => rollouts.unarchive(params.id, user.userName)),
    bind(routes.deleteRollout, async ({ params }) => void (await rollouts.delete(params.id)) as undefined),
    bind(routes.cancelRollout, ({ params, user }) => rollouts.cancel(params.id, user.userName)),
  ];
}
