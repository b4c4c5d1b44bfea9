// The real server on a database of very many devices, which is filled while it is stopped.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { repositoryRoot } from "../../apps/agent/build/paths.ts";
import { fillPostgres, fillSqlite } from "../../apps/server/test/fleet-on-disk.ts";
import { makeProject, makeRelease, payloadOf, product } from "../../apps/server/test/keys.ts";
import { startCluster } from "../../apps/server/test/postgres/cluster.ts";
import { buildStrictVerifier } from "../../packages/image-format/assembly/build-strict-verifier.ts";
import { type Console, ServerUnderMeasurement } from "./server-process.ts";

export interface FilledOptions {
  devices: number;
  database: "sqlite" | "postgres";
  /** Modules that are loaded before the server, as URLs. */
  preload: readonly string[];
  /** More of the server's options. */
  serverOptions?: readonly string[];
  say: (text: string) => void;
}

export class FilledServer {
  readonly folder = mkdtempSync(join(tmpdir(), "flipside-filled-"));
  readonly #undo: (() => Promise<void> | void)[] = [() => rmSync(this.folder, { recursive: true, force: true })];
  server!: ServerUnderMeasurement;
  operator!: Console;
  /** Of a newer version than the devices run. */
  releaseId!: string;

  private constructor(readonly options: FilledOptions) {}

  static async start(options: FilledOptions): Promise<FilledServer> {
    const filled = new FilledServer(options);
    try {
      await filled.#fill();
      return filled;
    } catch (error) {
      await filled.close();
      throw error;
    }
  }

  async close(): Promise<void> {
    await this.server?.stop();
    for (const work of this.#undo.reverse()) await work();
  }

  /** A project, its releases, and a database of so many devices that have run the first of them. */
  async #fill(): Promise<void> {
    const { options, folder } = this;
    await buildStrictVerifier();
    const project = await makeProject();
    const trustChain = join(folder, "trust-chain.bin");
    writeFileSync(trustChain, project.trustChain);
    const data = join(folder, "data");
    let url: string | undefined;
    if (options.database === "postgres") {
      const cluster = await startCluster();
      this.#undo.push(() => cluster.stop());
      url = cluster.urlOf("postgres");
    }
    const start = async (again: boolean): Promise<void> => {
      const common = { tree: repositoryRoot, folder: data, trustChain, again };
      const database = url === undefined ? [] : ["--database-url", url];
      this.server = await ServerUnderMeasurement.start({
        ...common,
        options: [...database, ...(options.serverOptions ?? [])],
        nodeOptions: options.preload.flatMap((module) => ["--import", module]),
      });
      this.operator = await this.server.signIn();
    };
    await start(false);
    const upload = async (version: string, releaseSequence: number): Promise<any> =>
      this.operator.call(
        "POST",
        "/api/v1/releases",
        await makeRelease(project, { version, releaseSequence }, payloadOf(4096 + releaseSequence)),
      );
    const old = await upload("1.0.0", 10);
    this.releaseId = String((await upload("1.1.0", 11)).id);
    await this.server.stop();
    options.say(`${options.devices} devices are written`);
    const { digest, hardware } = old.images[0] as { digest: string; hardware: string };
    const fleet = { devices: options.devices, digest, product, hardware };
    if (url === undefined) fillSqlite(join(data, "flipside.sqlite"), fleet);
    else await fillPostgres(url, fleet);
    await start(true);
  }
}
