// /api/v1/devices/:id/replace-board

import { json, route } from "../route.ts";
import { claimSecret } from "./claims.ts";
import { device } from "./devices.ts";
import { idParams } from "./forms.ts";
import { z } from "zod";

export const replaceBoard = route({
  method: "POST",
  path: "/api/v1/devices/:id/replace-board",
  access: "devices:enrol",
  scoped: "by-device",
  summary: "Another board takes the device's place: whoever proves this claim is the device from then on",
  params: idParams,
  body: json(z.strictObject({ secret: claimSecret.describe("of the new board's claim; not the old board's") })),
  status: 200,
  answer: json(device),
  errors: ["claim-exists", "members-unconfirmed"],
});
