// The product as `npm start` puts it together, in a folder of its own, before anybody has signed in. Devices connect
// through a link that can be slowed down, so that a browser sees downloads under way.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buildSignedRelease, type ReleaseOptions } from "../../apps/agent/build/build-release.ts";
import { DemoFleet } from "../../apps/demo/src/demo-fleet.ts";
import { prepare } from "../../apps/demo/src/prepare.ts";
import { ServerProcess } from "../../apps/demo/src/server-process.ts";
import { buildConsole } from "../../apps/web/build/build-console.ts";
import { MqttProxy } from "../end-to-end/mqtt-proxy.ts";
import { storyDeadlines } from "../end-to-end/story-world.ts";

const POLL_MS = 1_000;

export class LiveProduct {
  private constructor(
    readonly folder: string,
    readonly server: ServerProcess,
    readonly link: MqttProxy,
    readonly fleet: DemoFleet,
    /** 2.0.0, sequence 2, as its file. */
    readonly releasePath: string,
    /** The same with one bit flipped. */
    readonly flippedPath: string,
  ) {}

  /** All devices are on, with 1.0.0 in slot A. */
  static async start(virtualDevices: number): Promise<LiveProduct> {
    const folder = mkdtempSync(join(tmpdir(), "flipside-console-"));
    const progress = (): void => {};
    const prepared = await prepare(folder, progress);
    const consoleDir = await buildConsole();
    const build = (
      change: Pick<ReleaseOptions, "version" | "releaseSequence">,
    ): ReturnType<typeof buildSignedRelease> =>
      buildSignedRelease({ ...change, deadlines: storyDeadlines, signingKeys: [prepared.keys.release.privateJwk] });
    const first = await build({ version: "1.0.0", releaseSequence: 1 });
    const { file } = await build({ version: "2.0.0", releaseSequence: 2 });
    const releasePath = join(folder, "flipside-demo-2.0.0.release");
    writeFileSync(releasePath, file);
    const flipped = file.slice();
    flipped[flipped.length - 1]! ^= 1;
    const flippedPath = join(folder, "flipped.release");
    writeFileSync(flippedPath, flipped);

    const claimsPath = join(folder, "claims.json");
    const server = new ServerProcess({
      folder: join(folder, "server"),
      trustChainPath: prepared.keys.trustChainPath,
      claimsPath,
      consoleDir,
      port: 0,
      mqttPort: 0,
      isMqttClear: true,
      pollMs: POLL_MS,
    });
    const link = new MqttProxy(() => server.mqttPort);
    await link.listen();
    const fleet = await DemoFleet.open({
      folder: join(folder, "fleet"),
      prepared,
      release: first,
      virtualDevices,
      mqttPort: link.port,
      isMqttClear: true,
    });
    fleet.writeClaims(claimsPath);
    const product = new LiveProduct(folder, server, link, fleet, releasePath, flippedPath);
    try {
      await server.start();
      await fleet.start();
      return product;
    } catch (error) {
      await product.stop();
      throw error;
    }
  }

  get consoleUrl(): string {
    // What the server prints may be an address that means every interface.
    return `http://127.0.0.1:${new URL(this.server.url).port}`;
  }

  async stop(): Promise<void> {
    await this.fleet.stop();
    await this.server.stop();
    await this.link.close();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
