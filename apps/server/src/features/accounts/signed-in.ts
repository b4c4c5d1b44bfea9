// Who makes a request.

import type { Permission, Role } from "@flipside/api/permissions";
import type { Scope } from "@flipside/api/scope";
import type { User } from "@flipside/api/types";

/** Who asks, and by what. */
export interface SignedIn {
  userName: string;
  role: Role;
  mustChangePassword: boolean;
  signsInWith: User["signsInWith"];
  /** By a token, what that sees of what its account does. */
  scope: Scope;
  /** What the role may; by a token, what that may of it. */
  may: readonly Permission[];
  by: { kind: "session"; id: string } | { kind: "token"; id: string; name: string };
  /** Steady time. */
  endsAt: number;
}
