// In use where the tools for the unikernel are missing (vitest.config.ts): test files that build or run one are
// skipped, counted as skipped, with a printed reason. Everything else runs.

import { TestRunner, type RunnerTask, type RunnerTestFile } from "vitest";
import { getHooks } from "vitest/suite";
import { missingDeviceTools } from "../../apps/agent/build/run-tool.ts";

/** A path below the root, or the begin of one. */
export const needDeviceTools = [
  "apps/agent/test/contract/",
  "apps/agent/test/device-vectors/",
  "apps/agent/test/isolation/",
  "apps/agent/test/net/slirp.test.ts",
  "apps/agent/test/net/tap.test.ts",
  "apps/agent/test/recovery/unikernel.test.ts",
  "test/console/console.test.ts",
  "test/end-to-end/commands.test.ts",
  "test/end-to-end/story.test.ts",
  "test/fuzz/device-verifier.test.ts",
  "test/power-cut/driver-cuts.test.ts",
  "test/power-cut/same-operations.test.ts",
  "test/power-cut/unikernel.test.ts",
] as const;

/** Test by test, so that each is counted: of a suite that is skipped itself, none is. */
function skip(task: RunnerTask): void {
  if (task.type === "suite") {
    Object.assign(getHooks(task), { beforeAll: [], afterAll: [], aroundAll: [] });
    for (const inner of task.tasks) skip(inner);
    return;
  }
  task.mode = "skip";
  task.result = { state: "skip" };
}

export default class SkippingRunner extends TestRunner {
  onCollected(files: RunnerTestFile[]): void {
    for (const file of files) {
      if (!needDeviceTools.some((path) => file.name.startsWith(path))) continue;
      console.warn(
        `skipped: ${file.name} needs the tools for the unikernel (${missingDeviceTools().join(", ")} missing here)`,
      );
      skip(file);
    }
  }
}
