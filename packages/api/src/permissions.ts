// What people and programs may do, and what each role may. A route names one of these permissions (route.ts), and
// nothing else decides.

/** By its name: what it lets somebody do, as people are told. */
export const permissions = {
  "fleet:read": "see devices, claims, releases, rollouts and trust",
  "devices:write": "tag devices, clear their conflicts, delete them",
  "devices:enrol": "bring claims of devices, and give a device's place to another board",
  "devices:command": "give commands to devices",
  "devices:configure": "set the configuration of devices",
  "devices:revoke": "revoke devices",
  "rollouts:write": "make rollouts, and say what is to become of them",
  "rollouts:approve": "approve waves of rollouts that somebody else made",
  "rollouts:roll-back": "roll rollouts back",
  "updates:stop": "stop all updates",
  "updates:go-on": "end the stop of all updates",
  "releases:write": "upload releases and permits, archive and delete releases",
  "trust:write": "replace the trust record",
  "webhooks:manage": "say who else is told of what happens (webhooks), and see what came of it",
  "accounts:manage": "manage accounts, and end anybody's sessions and tokens",
  "audit:read": "read what was done, by whom",
} as const;

export type Permission = keyof typeof permissions;

export const permissionNames = Object.keys(permissions) as Permission[];

const viewer: readonly Permission[] = ["fleet:read"];

/** From the one that may least to the one that may everything. */
export const roles = {
  viewer: { may: viewer, summary: "sees the fleet, and changes nothing" },
  operator: {
    may: [
      ...viewer,
      "devices:write",
      "devices:enrol",
      "devices:command",
      "devices:configure",
      "rollouts:write",
      "rollouts:roll-back",
      "updates:stop",
    ],
    summary: "enrols devices and runs rollouts of releases that are there",
  },
  approver: {
    may: [...viewer, "rollouts:approve", "updates:stop", "audit:read"],
    summary: "lets waves of others' rollouts begin, and sees who did what",
  },
  "release-manager": {
    may: [...viewer, "releases:write", "rollouts:write", "rollouts:roll-back", "updates:stop", "webhooks:manage"],
    summary: "brings releases, and rolls them out",
  },
  administrator: { may: permissionNames, summary: "may everything" },
} as const satisfies Record<string, { may: readonly Permission[]; summary: string }>;

export type Role = keyof typeof roles;

export const roleNames = Object.keys(roles) as [Role, ...Role[]];

export const permissionsOf = (role: Role): readonly Permission[] => roles[role].may;

/** Roles that may do it, the one that may least first. */
export const rolesThatMay = (permission: Permission): Role[] =>
  roleNames.filter((role) => permissionsOf(role).includes(permission));
