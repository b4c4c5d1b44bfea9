// In each file that runs on PostgreSQL: where database.ts finds it.

import { inject } from "vitest";

process.env["FLIPSIDE_TEST_POSTGRES"] = inject("postgres");
