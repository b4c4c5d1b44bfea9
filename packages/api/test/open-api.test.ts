// The document that the server serves at /api/v1/openapi.json.

import { Validator } from "@seriousme/openapi-schema-validator";
import { expect, it } from "vitest";
import { errors } from "../src/errors.ts";
import { openApiDocument } from "../src/open-api.ts";
import { errorsOf } from "../src/route-errors.ts";
import { routes } from "../src/routes.ts";
import type { Route } from "../src/route.ts";

it("is a valid OpenAPI 3.1 document by a validator that we did not write", async () => {
  const document = structuredClone(openApiDocument());
  const validator = new Validator();
  const { valid, errors } = await validator.validate(document as never);
  expect(errors).toBeUndefined();
  expect(valid).toBe(true);
  expect(validator.version).toBe("3.1");
});

it("would not pass if it were wrong: a missing description, a parameter that is nowhere, a wrong type", async () => {
  for (const spoil of [
    (document: any) => delete document.paths["/api/v1/health"].get.responses[200].description,
    (document: any) => (document.paths["/api/v1/devices"].get.parameters[0].in = "somewhere"),
    (document: any) => (document.info.title = 3),
  ]) {
    const document = JSON.parse(JSON.stringify(openApiDocument()));
    spoil(document);
    expect((await new Validator().validate(document)).valid).toBe(false);
  }
});

it("has every reference's target, and no schema that nothing refers to", () => {
  const document = openApiDocument();
  const referred = new Set([...JSON.stringify(document).matchAll(/"\$ref":"([^"]+)"/g)].map((match) => match[1]!));
  const known = Object.keys(document.components.schemas).map((id) => `#/components/schemas/${id}`);
  expect([...referred].sort()).toEqual(known.sort());
});

it("names each route once, with a security that agrees with who may ask", () => {
  const document = openApiDocument();
  const operations = Object.values(document.paths).flatMap((path) => Object.values(path));
  expect(operations.map((operation) => operation["operationId"]).sort()).toEqual(Object.keys(routes).sort());
  const open = operations
    .filter((operation) => (operation["security"] as unknown[]).length === 0)
    .map((operation) => operation["operationId"]);
  expect(open.sort()).toEqual([
    "backChannelLogout",
    "beginOidc",
    "brokerResource",
    "brokerTopic",
    "brokerUser",
    "brokerVirtualHost",
    "endOidc",
    "getHealth",
    "getOpenApiDocument",
    "listSignInWays",
    "secondStepOptions",
    "signIn",
    "signOut",
    "signOutEverywhere",
    "takeSecondStep",
  ]);
});

it("lets a client leave out what has a default, and answers everything", () => {
  const { schemas } = openApiDocument().components;
  expect(schemas["NewRollout"]!["required"]).toEqual(["name", "releaseId", "target"]);
  expect(schemas["RolloutSummary"]!["required"]).toContain("pauseReason");
  expect(schemas["Device"]!["additionalProperties"]).toBe(false);
});

it("knows every error code from some route", () => {
  const answered = new Set((Object.values(routes) as Route[]).flatMap(errorsOf));
  // What devices of hawkBit's interface are answered is no part of the document.
  expect(Object.keys(errors).filter((code) => !answered.has(code as never))).toEqual(["device-refused"]);
});
