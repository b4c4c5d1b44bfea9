// What permissions and roles mean, in the language of the page. In English it is what the interface says of them.

import { t } from "@lingui/core/macro";
import type { Permission, Role } from "@flipside/api/permissions";

/** What each lets somebody do: after "may", or "can’t". */
export const permissionWords: Record<Permission, string> = {
  "fleet:read": t`see devices, claims, releases, rollouts and trust`,
  "devices:write": t`tag devices, clear their conflicts, delete them`,
  "devices:enrol": t`bring claims of devices, and give a device's place to another board`,
  "devices:command": t`give commands to devices`,
  "devices:configure": t`set the configuration of devices`,
  "devices:revoke": t`revoke devices`,
  "rollouts:write": t`make rollouts, and say what is to become of them`,
  "rollouts:approve": t`approve waves of rollouts that somebody else made`,
  "rollouts:roll-back": t`roll rollouts back`,
  "updates:stop": t`stop all updates`,
  "updates:go-on": t`end the stop of all updates`,
  "releases:write": t`upload releases and permits, archive and delete releases`,
  "trust:write": t`replace the trust record`,
  "webhooks:manage": t`say who else is told of what happens (webhooks), and see what came of it`,
  "accounts:manage": t`manage accounts, and end anybody's sessions and tokens`,
  "audit:read": t`read what was done, by whom`,
};

/** What whoever has the role does. */
export const roleWords: Record<Role, string> = {
  viewer: t`sees the fleet, and changes nothing`,
  operator: t`enrols devices and runs rollouts of releases that are there`,
  approver: t`lets waves of others' rollouts begin, and sees who did what`,
  "release-manager": t`brings releases, and rolls them out`,
  administrator: t`may everything`,
};
