// Which release is meant: by its version, or by its id.

import type { Client } from "@flipside/api/client";
import { everyPage } from "@flipside/api/every-page";
import type { Release } from "@flipside/api/types";
import { CommandFailure } from "../command-line/failures.ts";

export const everyRelease = (api: Client): Promise<Release[]> =>
  everyPage(async (query) => {
    const { releases, next } = await api("GET /api/v1/releases", { query });
    return { members: releases, next };
  });

/** Throws CommandFailure. */
export async function findRelease(api: Client, meant: string, product: string | undefined): Promise<Release> {
  const releases = await everyRelease(api);
  const found = releases.filter(
    (each) => (each.id === meant || each.version === meant) && (product === undefined || each.product === product),
  );
  if (found.length === 1) return found[0]!;
  if (found.length > 1)
    throw new CommandFailure(
      `${meant} is a version of ${found.map((each) => each.product).join(" and ")}: say which by --product`,
    );
  const known = releases.slice(0, 10).map((each) => `${each.product} ${each.version}`);
  throw new CommandFailure(
    `there is no release ${meant}${product === undefined ? "" : ` of ${product}`}; ${known.length === 0 ? "none was pushed yet (flipside push)" : `the newest are ${known.join(", ")}`}`,
  );
}
