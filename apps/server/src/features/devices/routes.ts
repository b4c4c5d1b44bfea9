// /api/v1/devices

import { routes } from "@flipside/api/routes";
import { deviceGroupList } from "./device-groups.ts";
import { bind, type BoundRoute } from "../../http/bind.ts";
import { pageOf } from "../../http/cursor.ts";
import type { Whys } from "../deployments/why.ts";
import type { BoardReplacement } from "./board-replacement.ts";
import type { ClearConflict } from "./clear-conflict.ts";
import type { DeviceCounts } from "./device-counts.ts";
import type { DeviceDeletion } from "./deletion.ts";
import { sendCsv } from "./csv-export.ts";
import type { DeviceViewsKept } from "./device-views.ts";
import type { TagMany } from "./tagging-many.ts";
import { deviceDeployments, deviceLogEntries, type Devices } from "./devices.ts";

export function deviceRoutes(
  devices: Devices,
  counts: Pick<DeviceCounts, "summary">,
  boards: BoardReplacement,
  clearConflict: ClearConflict,
  deletion: DeviceDeletion,
  whys: Pick<Whys, "device">,
  tagMany: TagMany,
  kept: DeviceViewsKept,
): BoundRoute[] {
  return [
    bind(routes.listDevices, ({ query, user: { scope } }) => devices.list({ ...query, scope }, query)),
    bind(routes.exportDevices, async ({ query, user: { scope }, response }) => {
      await sendCsv(devices, { ...query, scope }, response);
      return undefined;
    }),
    bind(routes.summariseDevices, ({ user: { scope } }) => counts.summary(scope)),
    bind(routes.getDevice, ({ params }) => devices.detail(params.id)),
    bind(routes.listDeviceDeployments, ({ params, query }) =>
      devices.deployments(params.id, pageOf(deviceDeployments, ["number"], query)),
    ),
    bind(routes.listDeviceLog, ({ params, query }) =>
      devices.log(params.id, pageOf(deviceLogEntries, ["number"], query)),
    ),
    bind(routes.whyDevice, ({ params }) => whys.device(params.id)),
    bind(routes.groupDevices, ({ query: { by, filter, after }, user: { scope } }) =>
      devices.groups(by, { filter, scope }, pageOf(deviceGroupList, ["string"], { limit: "1", after })),
    ),
    bind(routes.getTags, async ({ params }) => ({ tags: await devices.tags(params.id) })),
    bind(routes.setTags, async ({ params, body, user, note }) => {
      const { device, before } = await devices.setTags(params.id, () => body.tags, user);
      note({ before: { tags: before }, after: { tags: device.tags } });
      return device;
    }),
    bind(routes.changeTags, async ({ params, body: { add, remove }, user, note }) => {
      const changed = (tags: readonly string[]): string[] => [...tags, ...add].filter((tag) => !remove.includes(tag));
      const { device, before } = await devices.setTags(params.id, changed, user);
      note({ before: { tags: before }, after: { tags: device.tags } });
      return device;
    }),
    bind(routes.tagDevices, async ({ body, user, note }) => {
      const tagged = await tagMany(body, user);
      note({ after: tagged });
      return tagged;
    }),
    bind(routes.listDeviceViews, async ({ user }) => ({ views: await kept.list(user) })),
    bind(routes.saveDeviceView, ({ body, user }) => kept.save(body, user)),
    bind(routes.deleteDeviceView, async ({ params, user }) => void (await kept.delete(params.id, user)) as undefined),
    bind(routes.replaceBoard, ({ params, body, user }) =>
      boards.replace(params.id, Buffer.from(body.secret, "base64url"), user.userName),
    ),
    bind(routes.clearIdentityConflict, ({ params, user }) => clearConflict(params.id, user.userName)),
    bind(
      routes.deleteDevice,
      async ({ params, query }) => void (await deletion.delete(params.id, query.confirm)) as undefined,
    ),
    bind(routes.revokeDevice, ({ params, user }) => devices.revoke(params.id, user.userName)),
    bind(routes.unrevokeDevice, ({ params, user }) => devices.unrevoke(params.id, user.userName)),
  ];
}
