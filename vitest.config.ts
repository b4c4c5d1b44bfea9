import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";
import { missingDeviceTools } from "./apps/agent/build/run-tool.ts";

/** The longest first: what starts last would be waited for alone. */
class LongestFirst extends BaseSequencer {
  static readonly #longest = ["test/end-to-end/", "apps/power-cut/test/planted", "test/console/", "apps/agent/test/isolation/", "test/power-cut/", "apps/power-cut/", "test/fuzz/"];

  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = (file: TestSpecification): number => {
      const at = LongestFirst.#longest.findIndex((part) => file.moduleId.includes(`/${part}`));
      return at < 0 ? LongestFirst.#longest.length : at;
    };
    return (await super.sort(files)).sort((a, b) => rank(a) - rank(b));
  }
}

export default defineConfig({
  test: {
    include: ["packages/*/test/**/*.test.ts", "apps/*/test/**/*.test.{ts,tsx}", "test/**/*.test.ts"],
    ...(missingDeviceTools().length > 0 ? { runner: "./test/guards/skipping-runner.ts" } : {}),
    setupFiles: ["test/guards/timer-guard.ts"],
    testTimeout: 60_000,
    hookTimeout: 120_000,
    // Two cores: QEMU and Chromium run beside the tests, so never more than two files at once (scripts/test.mjs: and the story).
    maxWorkers: 2,
    sequence: { sequencer: LongestFirst },
  },
});
