// /api/v1/aws-iot: devices of AWS IoT, which it calls things, and the certificates that let them in (docs/aws-iot.md).

import { z } from "zod";
import { certificateCharactersMax, thingNamePattern } from "../limits.ts";
import { json, named, nothing, route } from "../route.ts";
import { device } from "./devices.ts";
import { digest, idParams, time } from "./forms.ts";
import { hardwareName, revision } from "./forms.ts";

const certificatePem = z
  .string()
  .max(certificateCharactersMax)
  .regex(/^-----BEGIN CERTIFICATE-----\r?\n/, "PEM, beginning with -----BEGIN CERTIFICATE-----")
  .describe("PEM; whoever has signed it");

const newThing = named(
  "NewThing",
  z.strictObject({
    id: z
      .string()
      .regex(thingNamePattern, "a thing's name: 1 to 48 letters, digits, _ : and -, not beginning with a sign")
      .describe("the thing's name, which is its client id, too"),
    certificate: certificatePem,
    product: hardwareName.optional().describe("of the releases that are for it; left out, what its shadow says"),
    hardware: hardwareName.optional(),
    revision: revision.optional(),
  }),
);

const certificate = named("ThingCertificate", z.strictObject({ sha256: digest, notAfter: time }));

export const registerThing = route({
  method: "POST",
  path: "/api/v1/aws-iot/things",
  access: "devices:enrol",
  summary: "Make a thing of AWS IoT known, and the certificate that lets it in",
  body: json(newThing),
  status: 201,
  answer: json(named("Thing", z.strictObject({ device, certificate }))),
  errors: ["aws-iot-off", "device-exists", "certificate-taken"],
});

export const replaceThingCertificate = route({
  method: "PUT",
  path: "/api/v1/aws-iot/things/:id/certificate",
  access: "devices:enrol",
  scoped: "by-device",
  summary: "Give a thing another certificate, in place of the one that it has; what has come by that one ends",
  params: idParams,
  body: json(named("NewThingCertificate", z.strictObject({ certificate: certificatePem }))),
  status: 200,
  answer: json(certificate),
  errors: ["aws-iot-off", "certificate-taken"],
});

export const withdrawThingCertificate = route({
  method: "DELETE",
  path: "/api/v1/aws-iot/things/:id/certificate",
  access: "devices:enrol",
  scoped: "by-device",
  summary: "Take a thing's certificate: its connection ends, and it does not come in before it has another",
  params: idParams,
  status: 204,
  answer: nothing,
  errors: ["aws-iot-off"],
});
