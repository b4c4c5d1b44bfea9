// /api/v1/aws-iot

import { routes } from "@flipside/api/routes";
import { bind, type BoundRoute } from "../../http/bind.ts";
import { ApiError } from "../../http/errors.ts";
import type { Registration } from "./registration.ts";

/** Undefined: it is not switched on here. */
export function awsIotAdminRoutes(registration: Registration | undefined): BoundRoute[] {
  function on(): Registration {
    if (registration !== undefined) return registration;
    throw new ApiError("aws-iot-off", "Start the server with --aws-iot yes and what it needs (docs/aws-iot.md).");
  }
  return [
    bind(routes.registerThing, ({ body, user }) => on().register(body, user.userName)),
    bind(routes.replaceThingCertificate, ({ params, body, user }) =>
      on().replaceCertificate(params.id, body.certificate, user.userName),
    ),
    bind(
      routes.withdrawThingCertificate,
      async ({ params, user }) => void (await on().withdrawCertificate(params.id, user.userName)) as undefined,
    ),
  ];
}
