// Whose devices somebody sees, as people are told: as packages/api/src/scope.ts says it, in the language that was
// chosen.

import { t } from "@lingui/core/macro";
import type { Scope } from "@flipside/api/scope";

export const scopeText = (scope: Scope): string =>
  scope === null ? t`the whole fleet` : scope.join(", ") || t`nothing`;
