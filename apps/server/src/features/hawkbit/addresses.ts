// Where things are, as hawkBit's "Direct Device Integration API" has it. Clients read some of these addresses by hand:
// Zephyr's takes `deploymentBase/ID` and `cancelAction/ID` from within 49 characters of an address, and has 200 for a
// whole path; the longest here has 180.

import type { Request } from "express";

/** There is one, and clients write it as they like. */
const tenant = "DEFAULT";
export const isTenant = (given: string): boolean => given.toUpperCase() === tenant;

/** Of this server, as the client has reached it. */
export const rootOf = (request: Request, deviceId: string): string =>
  `${request.protocol}://${request.host}/${tenant}/controller/v1/${deviceId}`;

export const addressOf = {
  deployment: (root: string, actionId: number): string => `${root}/deploymentBase/${actionId}`,
  cancellation: (root: string, actionId: number): string => `${root}/cancelAction/${actionId}`,
  installed: (root: string, actionId: number): string => `${root}/installedBase/${actionId}`,
  attributes: (root: string): string => `${root}/configData`,
  artifact: (root: string, actionId: number, fileName: string): string =>
    `${root}/softwaremodules/${actionId}/artifacts/${fileName}`,
};

const fileNamePartCharactersMax = 32;
const namePart = (text: string): string => text.replace(/[^A-Za-z0-9._-]/g, "_").slice(0, fileNamePartCharactersMax);

/** SWUpdate takes what ends with `.swu`, and nothing else. */
export const fileNameOf = (product: string, version: string, suffix: string): string =>
  `${namePart(product)}-${namePart(version)}.${suffix}`;
