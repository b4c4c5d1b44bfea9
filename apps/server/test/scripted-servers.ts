// Servers in a test's process that play the fleet manager by a script. They have rules of their own about what they may
// answer (apps/web/test/route-server.ts); several test files share a process, and what one of them still closes is not
// to be held against the next one (answers.ts).

import type { Server } from "node:http";

export const scriptedServers = new WeakSet<Server>();
