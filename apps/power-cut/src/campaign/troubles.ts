// All that can go wrong beside the cuts of the exhaustive campaign, by its kind.

import { badReads } from "./bad-reads.ts";
import { failingLog } from "./failing-log.ts";
import { flashTroubles } from "./flash-trouble.ts";
import { longRuns } from "./long-runs.ts";
import { makingSure } from "./making-sure.ts";
import { oddServers } from "./odd-servers.ts";
import { settingsBesideTrial } from "./settings-beside-trial.ts";
import { slowLinks } from "./slow-links.ts";
import { tornInARow } from "./torn-in-a-row.ts";
import type { Trouble } from "./trouble.ts";
import { uncleanBoots } from "./unclean-boots.ts";

export const kindsOfTrouble: Readonly<Record<string, readonly Trouble[]>> = {
  "flash that fails for a while": flashTroubles,
  "flash that can't be read": badReads,
  "boot control that fails": failingLog,
  "a log that turns over without a record of this run": makingSure,
  "settings that can't be stored beside a trial": settingsBesideTrial,
  "runs that ended uncleanly": uncleanBoots,
  "runs of hours": longRuns,
  "slow links": slowLinks,
  "odd servers": oddServers,
  "seals that are torn in a row": tornInARow,
};

export const troubles: readonly Trouble[] = Object.values(kindsOfTrouble).flat();
