// Loaded before everything else (--require) when tests run on another Node than node_modules was installed for: where
// better-sqlite3's native half is asked for, the one of this Node is loaded.

"use strict";

const { basename } = require("node:path");

const binding = process.env.FLIPSIDE_SQLITE_BINDING;
const load = process.dlopen;
process.dlopen = (module, path, ...flags) =>
  load.call(process, module, binding && basename(path) === "better_sqlite3.node" ? binding : path, ...flags);
