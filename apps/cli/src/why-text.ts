// What is waited for, in lines.

import type { Why } from "@flipside/api/types";

export function whyText({ sentence, since, until, actions }: Why): string {
  return [
    sentence,
    ...(since === null ? [] : [`  since ${since}`]),
    ...(until === null ? [] : [`  until ${until} at the latest`]),
    ...actions.map((action) => `  You can ${action}`),
  ].join("\n");
}
