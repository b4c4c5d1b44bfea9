// What else can go wrong without a power cut, all of it.

import { badReads } from "./bad-reads.ts";
import { type Trouble, troubles as ofFlash } from "./flash-trouble.ts";
import { oddServers } from "./odd-servers.ts";
import { settingsBesideTrial } from "./settings-beside-trial.ts";
import { slowLinks } from "./slow-links.ts";
import { uncleanBoots } from "./unclean-boots.ts";

export const troubles: readonly Trouble[] = [...ofFlash, ...uncleanBoots, ...settingsBesideTrial, ...slowLinks, ...oddServers, ...badReads];
