// The process that `npm run power-cut` starts.

import { powerCut } from "./main.ts";

process.exitCode = await powerCut(process.argv.slice(2));
