// Where the build finds its sources and puts what it makes.

import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

export const repositoryRoot = resolve(dirname(fileURLToPath(import.meta.url)), "../../..");
export const agentRoot = join(repositoryRoot, "apps/agent");
export const agentSources = join(agentRoot, "src");
export const exokernelSources = join(agentRoot, "exokernel");
export const formatSources = join(repositoryRoot, "packages/image-format");
/** Everything built, by the hash of what it was built from. */
export const buildOutput = join(repositoryRoot, "build-output");
