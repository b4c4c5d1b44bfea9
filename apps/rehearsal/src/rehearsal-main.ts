// Starts `npm run rehearse` (scripts/rehearse.mjs).

import { outliveOutput } from "@flipside/processes/end-with-parent";
import { runRehearsals } from "./main.ts";

outliveOutput();
process.exit(await runRehearsals(process.argv.slice(2)));
