// /api/devices

import { routes } from "@flipside/api/routes";
import { bind, type BoundRoute } from "../../http/bind.ts";
import type { Whys } from "../deployments/why.ts";
import type { BoardReplacement } from "./board-replacement.ts";
import type { Devices } from "./devices.ts";

export function deviceRoutes(devices: Devices, boards: BoardReplacement, whys: Pick<Whys, "device">): BoundRoute[] {
  return [
    bind(routes.listDevices, async ({ query }) => ({ devices: await devices.list(query) })),
    bind(routes.getDevice, ({ params }) => devices.detail(params.id)),
    bind(routes.whyDevice, ({ params }) => whys.device(params.id)),
    bind(routes.setTags, ({ params, body, user }) => devices.setTags(params.id, body.tags, user.userName)),
    bind(routes.replaceBoard, ({ params, body, user }) =>
      boards.replace(params.id, Buffer.from(body.secret, "base64url"), user.userName),
    ),
    bind(routes.revokeDevice, ({ params, user }) => devices.revoke(params.id, user.userName)),
  ];
}
