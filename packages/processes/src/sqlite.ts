// SQLite for this Node: better-sqlite3, in one of two versions.
//
// Version 13 is made for Node-API 10, which Node has from 22.14 on; its package brings the binaries, and nothing is
// compiled. Version 12 is the last one for Node 20. It must not be used on newer ones: where it is compiled with the
// headers of Node 24.19 or later, a statement that is collected outside of any context ends the process ("Assertion
// failed: (env) != nullptr", node::RemoveEnvironmentCleanupHook, from node_object_wrap.h).

import type SqliteDatabase from "better-sqlite3";
import { createRequire } from "node:module";

const NODE_API_OF_VERSION_13 = 10;

const require = createRequire(import.meta.url);

/** The constructor, as better-sqlite3 documents it. */
export const Database = require(
  Number(process.versions["napi"]) >= NODE_API_OF_VERSION_13 ? "better-sqlite3-node-api" : "better-sqlite3",
) as typeof SqliteDatabase;
export type Database = SqliteDatabase.Database;
