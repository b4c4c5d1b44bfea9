// What docs/operations.md has a person type, tried as it stands there. The brokers' blocks are run by test/brokers,
// those of backup and restore by apps/server/test/sqlite/backup.test.ts, the walk from nothing by
// walk-through.test.ts.

import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { hasCommand } from "../../apps/agent/build/run-tool.ts";
import { readConfiguration } from "../../apps/server/src/configuration.ts";
import { Storage } from "../../apps/server/src/storage/storage.ts";
import { readSecretKey } from "../../apps/server/src/storage/secrets-at-rest.ts";
import { postgresMissing, startCluster } from "../../apps/server/test/postgres/cluster.ts";
import { blocksOf, runShell, withPlaces } from "./document.ts";

const SERVER = "node --import tsx apps/server/src/main.ts ";
const missing = hasCommand("openssl") ? undefined : "openssl is not installed (apt-get install -y openssl)";
if (missing !== undefined) console.warn(`skipped: keys and secrets as docs/operations.md makes them: ${missing}`);

/** What a line that starts the server gives it. */
function configurationOf(line: string): ReturnType<typeof readConfiguration> {
  const [before, after] = line.split(SERVER) as [string, string];
  const environment = Object.fromEntries(
    before
      .trim()
      .split(" ")
      .filter(Boolean)
      .map((word) => word.split("=") as [string, string]),
  );
  return readConfiguration(after.trim().split(" "), environment);
}

const startsIn = (heading: string): string[] =>
  blocksOf(heading).flatMap((block) => block.split("\n").filter((line) => line.includes(SERVER)));

it("each line that starts the server is one that it understands", () => {
  const [rabbit, mosquitto, postgres, bucket, key, restored] = [
    "RabbitMQ",
    "Mosquitto",
    "PostgreSQL",
    "Images in a bucket",
    "Secrets at rest",
    "Backup and restore",
  ].map((heading) => {
    const lines = startsIn(heading);
    expect(lines, heading).toHaveLength(1);
    return lines[0]!;
  }) as [string, string, string, string, string, string];
  const trustChain = "var/keys/trust-chain.bin";
  const mqttUrl = "mqtt://flipside:PASSWORD@127.0.0.1:1883";
  const brokerSecret = "0123456789abcdef0123456789abcdef";
  expect(
    configurationOf(withPlaces(rabbit, { SECRET: brokerSecret }).replace(`BROKER_${brokerSecret}`, "BROKER_SECRET")),
  ).toMatchObject({ trustChain, mqttUrl, brokerSecret });
  expect(configurationOf(mosquitto)).toMatchObject({ trustChain, mqttUrl, mqttAccounts: "mosquitto" });
  expect(configurationOf(postgres)).toMatchObject({
    trustChain,
    databaseUrl: "postgres://flipside:PASSWORD@127.0.0.1/flipside",
  });
  expect(configurationOf(bucket)).toMatchObject({
    trustChain,
    imagesBucket: "s3://fleet-images/flipside",
    imagesEndpoint: "https://minio.example:9000",
  });
  expect(configurationOf(key)).toMatchObject({ trustChain, secretKeyFile: "/etc/flipside/secret.key" });
  expect(configurationOf(restored)).toMatchObject({ trustChain, dataDir: "var/server-restored" });
});

it.skipIf(missing !== undefined)("the secret that RabbitMQ asks with is one that the server takes", () => {
  const secret = runShell(blocksOf("RabbitMQ")[0]!, { cwd: tmpdir() }).trim();
  expect(configurationOf(`BROKER_SECRET=${secret} ${SERVER}--trust-chain x`)).toMatchObject({ brokerSecret: secret });
});

it.skipIf(missing !== undefined)("the key of the secrets is made for one user alone, and the server takes it", () => {
  const folder = mkdtempSync(join(tmpdir(), "flipside-operations-"));
  try {
    const [make] = withPlaces(blocksOf("Secrets at rest")[0], { "/etc/flipside": join(folder, "flipside") }).split(
      /^(?=node )/m,
    );
    runShell(make!, { cwd: folder });
    const path = join(folder, "flipside/secret.key");
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(readFileSync(path, "utf8")).toMatch(/^[0-9a-f]{64}\n$/);
    expect(readSecretKey(path, undefined)).toHaveLength(32);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

const noPostgres =
  postgresMissing ?? (process.getuid?.() === 0 ? undefined : "runuser is root's alone, and so is this page's command");
if (noPostgres !== undefined)
  console.warn(`skipped: PostgreSQL's user and database as docs/operations.md makes them: ${noPostgres}`);

it.skipIf(noPostgres !== undefined)(
  "the user and the database that are made in PostgreSQL are what the server can use",
  async () => {
    const cluster = await startCluster();
    try {
      // This cluster's first user has the name that the page gives to the server's.
      const block = withPlaces(blocksOf("PostgreSQL")[0], { flipside: "manager" });
      const environment = { PATH: process.env["PATH"], PGHOST: cluster.folder, PGUSER: "flipside" };
      runShell(block, { cwd: "/", environment, input: "a password\na password\n" });
      const url = cluster.urlOf("manager").replace("flipside@", "manager:a%20password@");
      const storage = await Storage.open({ url }, { onError: () => {} });
      expect(await storage.db.selectFrom("devices").selectAll().execute()).toEqual([]);
      await storage.close();
    } finally {
      await cluster.stop();
    }
  },
);
