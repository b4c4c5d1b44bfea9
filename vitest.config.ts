import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";
import { missingDeviceTools } from "./apps/agent/build/run-tool.ts";
import { postgresMissing } from "./apps/server/test/postgres/cluster.ts";
import { reactWithMessages } from "./apps/web/build/macros.ts";

const testFiles = ["packages/*/test/**/*.test.ts", "apps/*/test/**/*.test.{ts,tsx}", "test/**/*.test.ts"];
const onPostgresOnly = ["apps/server/test/postgres/**", "apps/server/test/several/**"];

/**
 * These have a process each, because of what they leave in it: compiled modules of hundreds of megabytes, or children.
 * All others share three, one file after the other: a process and its imports take half a second a file.
 */
const inProcessesOfTheirOwn = [
  "apps/power-cut/test/**",
  "apps/rehearsal/test/**",
  "test/{brokers,console,end-to-end,fleet,fuzz,mutants,operations,power-cut}/**",
];

/** The server's tests run a second time on PostgreSQL, but for those that it can change nothing of. */
const notOnPostgres = [
  "apps/server/test/sqlite/**", // about a database in a file: held by another process, copied, left by an older server
  // about what comes before any database
  "apps/server/test/{engine,engine-transitions,packet-guard,console-files,chunk-windows,http-limits,sign-in-limits,identity-conflict}.test.ts",
  "apps/server/test/one-owner.test.ts", // about the data folder; test/postgres has the same of the database
  "apps/server/test/health/{sequential-test,metrics}.test.ts", // arithmetic
  "apps/server/test/rehearsals/{fleet-model,player-that-is-left}.test.ts", // no database in them
];
if (postgresMissing !== undefined) console.warn(`skipped: the server's tests on PostgreSQL: ${postgresMissing}`);

/** What scripts/test.mjs runs beside all others; vitest's own --exclude does not reach projects. */
const runBeside = JSON.parse(process.env["FLIPSIDE_TESTS_BESIDE"] ?? "[]") as string[];

/** The longest first: what starts last would be waited for alone. */
class LongestFirst extends BaseSequencer {
  static readonly #longest = [
    "test/end-to-end/",
    "apps/power-cut/test/planted",
    "test/console/",
    "apps/agent/test/isolation/",
    "test/power-cut/",
    "apps/power-cut/",
    "test/fuzz/",
  ];

  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = (file: TestSpecification): number => {
      const at = LongestFirst.#longest.findIndex((part) => file.moduleId.includes(`/${part}`));
      return at < 0 ? LongestFirst.#longest.length : at;
    };
    return (await super.sort(files)).sort((a, b) => rank(a) - rank(b));
  }
}

export default defineConfig({
  plugins: [reactWithMessages()],
  test: {
    ...(missingDeviceTools().length > 0 ? { runner: "./test/guards/skipping-runner.ts" } : {}),
    setupFiles: ["test/guards/timer-guard.ts"],
    testTimeout: 60_000,
    hookTimeout: 120_000,
    // vitest's own second is little on a machine that does other things.
    expect: { poll: { timeout: 30_000 } },
    // For two cores: of the time of all tests, half is processor time, and the rest is waiting.
    maxWorkers: 3,
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        extends: true,
        test: {
          name: "tests",
          include: testFiles,
          exclude: ["**/node_modules/**", ...onPostgresOnly, ...inProcessesOfTheirOwn, ...runBeside],
          isolate: false,
        },
      },
      {
        extends: true,
        test: {
          name: "in a process of their own",
          include: inProcessesOfTheirOwn.map((folder) => `${folder}/*.test.ts`),
          exclude: ["**/node_modules/**", ...runBeside],
        },
      },
      ...(postgresMissing === undefined
        ? [
            {
              extends: true as const,
              test: {
                name: "on PostgreSQL",
                isolate: false,
                include: ["apps/server/test/**/*.test.ts"],
                exclude: ["**/node_modules/**", ...notOnPostgres],
                globalSetup: ["apps/server/test/postgres/start-once.ts"],
                setupFiles: ["apps/server/test/postgres/say-where.ts"],
              },
            },
          ]
        : []),
    ],
  },
});
