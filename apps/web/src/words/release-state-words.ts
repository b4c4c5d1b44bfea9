// What a device says of the release states that come to it (docs/protocol.md, "Release states").

import { t } from "@lingui/core/macro";
import type { Device } from "@flipside/api/types";
import type { StateWords } from "./state-words.ts";

type Warning = NonNullable<NonNullable<Device["releaseState"]>["warning"]>;

export const releaseStateWords: Record<Warning, StateWords> = {
  missing: {
    label: t`No longer told`,
    tone: "bad",
    icon: "ban",
    means: t`It had a release state, and is given none any more. Look for who stands between device and server.`,
  },
  invalid: {
    label: t`Told what nobody signed`,
    tone: "bad",
    icon: "alert",
    means: t`It was given a release state that no release key of its trust record has signed. Look for who stands between device and server.`,
  },
  older: {
    label: t`Told of the past`,
    tone: "bad",
    icon: "alert",
    means: t`It was given a release state that is older than one it knows, or than what it runs. Look for who stands between device and server.`,
  },
  expired: {
    label: t`Not told for too long`,
    tone: "warn",
    icon: "clock",
    means: t`The time of its release state is over. Sign a new one; if the server has one, look for who keeps it from the device.`,
  },
  behind: {
    label: t`Waits for the newest`,
    tone: "warn",
    icon: "clock",
    means: t`For a week it has known of a newer release, and was not offered it. Roll that out, or look for who holds it back.`,
  },
};
