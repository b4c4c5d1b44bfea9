// What the server says of itself, to anybody.

import { z } from "zod";
import { json, named, route } from "../route.ts";

export const getHealth = route({
  method: "GET",
  path: "/api/v1/health",
  access: "anybody",
  summary: "The server is up",
  status: 200,
  answer: json(named("Health", z.strictObject({ status: z.literal("ok") }))),
});

export const getOpenApiDocument = route({
  method: "GET",
  path: "/api/v1/openapi.json",
  access: "anybody",
  summary: "This document",
  status: 200,
  answer: json(
    named(
      "OpenApiDocument",
      z.looseObject({
        openapi: z.string(),
        info: z.looseObject({ title: z.string(), version: z.string() }),
        paths: z.looseObject({}),
      }),
    ),
  ),
});
