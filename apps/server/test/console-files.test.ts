import { mkdir, mkdtemp, writeFile } from "node:fs/promises";
import { get, type IncomingHttpHeaders } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { brotliCompressSync, brotliDecompressSync, gunzipSync, gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Fixture } from "./fixture.ts";

const script = "/assets/index-84YogPMo.js";
const source = `console.log("${"x".repeat(4_000)}");`;

describe("the console's files, below a folder that begins with a dot", () => {
  let fixture: Fixture;
  beforeAll(async () => {
    const consoleDir = join(await mkdtemp(join(tmpdir(), "flipside-")), ".local", "console");
    await mkdir(join(consoleDir, "assets"), { recursive: true });
    await writeFile(join(consoleDir, "index.html"), `<title>console</title>`);
    await writeFile(join(consoleDir, ".hidden"), "hidden");
    await writeFile(join(consoleDir, "favicon.svg"), "<svg/>");
    await mkdir(join(consoleDir, "brick-it", "assets"), { recursive: true });
    await writeFile(join(consoleDir, "brick-it", "index.html"), `<title>brick it</title>`);
    await writeFile(join(consoleDir, "brick-it", "boot.wasm"), Uint8Array.of(0, 0x61, 0x73, 0x6d));
    for (const name of ["worker-84YogPMo.js", "replay-worker-84YogPMo.js", "index-84YogPMo.js"])
      await writeFile(join(consoleDir, "brick-it", "assets", name), source);
    await writeFile(join(consoleDir, "assets", "release-check-worker-84YogPMo.js"), source);
    await writeFile(join(consoleDir, script), source);
    await writeFile(join(consoleDir, `${script}.br`), brotliCompressSync(source));
    await writeFile(join(consoleDir, `${script}.gz`), gzipSync(source));
    fixture = await Fixture.start({ consoleDir, mqttWebSocketPort: 0 });
  });
  afterAll(() => fixture.stop());

  /** Without what `fetch` adds and takes away. */
  function ask(
    path: string,
    headers: Record<string, string> = {},
  ): Promise<{ status: number; headers: IncomingHttpHeaders; body: Buffer }> {
    return new Promise((resolve, reject) => {
      get({ host: "127.0.0.1", port: fixture.server.port, path, headers, agent: false }, (response) => {
        const parts: Buffer[] = [];
        response.on("data", (part: Buffer) => parts.push(part));
        response.on("end", () =>
          resolve({ status: response.statusCode!, headers: response.headers, body: Buffer.concat(parts) }),
        );
      }).on("error", reject);
    });
  }

  it("are given to its own pages", async () => {
    for (const page of [
      "/",
      "/devices",
      "/devices/press-7",
      "/devices/SN.7:1",
      "/rollouts/new?release=1",
      "/index.html",
      "/devices/",
    ]) {
      const { status, headers, body } = await ask(page);
      expect([page, status, headers["cache-control"], body.toString()]).toEqual([
        page,
        200,
        "no-cache",
        "<title>console</title>",
      ]);
    }
  });

  it("hold a page of its own, of which only the workers may run WebAssembly", async () => {
    const page = await ask("/brick-it/");
    expect([page.status, page.body.toString()]).toEqual([200, "<title>brick it</title>"]);
    const short = await ask("/brick-it");
    expect([short.status, short.headers["location"]]).toEqual([301, "/brick-it/"]);
    const policies = async (path: string): Promise<string> =>
      String((await ask(path)).headers["content-security-policy"]);
    for (const path of ["/", "/brick-it/", "/brick-it/assets/index-84YogPMo.js", "/brick-it/boot.wasm", script])
      expect([path, await policies(path)]).toEqual([path, expect.not.stringContaining("unsafe-eval")]);
    const workers = ["brick-it/assets/worker", "brick-it/assets/replay-worker", "assets/release-check-worker"];
    for (const worker of workers)
      expect(await policies(`/${worker}-84YogPMo.js`), worker).toBe(
        "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self'",
      );
    const { headers } = await ask("/brick-it/assets/worker-84YogPMo.js");
    expect(headers["cache-control"]).toContain("immutable");
    expect((await ask("/brick-it/boot.wasm")).headers).toMatchObject({
      "cache-control": "no-cache",
      "content-type": "application/wasm",
    });
  });

  it("let the worker whose device joins the fleet connect to the port for that, and to nothing else", async () => {
    const { mqttWebSocketPort: port } = fixture.server;
    const told = await ask("/brick-it/fleet.json");
    expect([told.status, told.headers["cache-control"], JSON.parse(told.body.toString())]).toEqual([
      200,
      "no-store",
      { fleet: { mqttWebSocketPort: port } },
    ]);
    const worker = "/brick-it/assets/worker-84YogPMo.js";
    const sourcesOf = async (path: string, headers: Record<string, string> = {}): Promise<string | undefined> =>
      /connect-src ([^;]*)/.exec(String((await ask(path, headers)).headers["content-security-policy"]))?.[1];
    expect(await sourcesOf(`${worker}?mqtt=${port}`)).toBe(`'self' ws://127.0.0.1:${port}`);
    expect(await sourcesOf(`${worker}?mqtt=${port}`, { host: "fleet.example:8080" })).toBe(
      `'self' ws://fleet.example:${port}`,
    );
    expect(await sourcesOf(`${worker}?mqtt=${port}`, { host: "[::1]:8080" })).toBe(`'self' ws://*:${port}`);
    for (const other of [
      ...[worker, `${worker}?mqtt=${port! + 1}`, `${worker}?mqtt=`, `${worker}?mqtt=*`, `/?mqtt=${port}`],
      ...[`/brick-it/?mqtt=${port}`, `/brick-it/assets/replay-worker-84YogPMo.js?mqtt=${port}`],
      ...[`/brick-it/assets/index-84YogPMo.js?mqtt=${port}`, `/assets/release-check-worker-84YogPMo.js?mqtt=${port}`],
    ])
      expect([other, await sourcesOf(other)]).toEqual([other, "'self'"]);
    await fixture.restart({ mqttWebSocketPort: undefined });
    expect(JSON.parse((await ask("/brick-it/fleet.json")).body.toString())).toEqual({
      fleet: { mqttWebSocketPort: null },
    });
    expect(await sourcesOf(`${worker}?mqtt=${port}`)).toBe("'self'");
  });

  it("are missing where they are missing: no page in place of a script of an older build", async () => {
    for (const path of [
      "/assets/old.js",
      "/assets/index-AAAAAAAA.js",
      "/assets/",
      "/robots.txt",
      "/.hidden",
      "/.env",
      "/..%2f..%2fetc%2fpasswd",
      "/assets/%2e%2e/.hidden",
      "/x/y.php",
    ]) {
      const { status, headers } = await ask(path);
      expect([path, status, headers["content-type"]]).toEqual([
        path,
        404,
        expect.stringContaining("application/problem+json"),
      ]);
    }
  });

  it("are kept for a year when their name has a hash, and asked for anew otherwise", async () => {
    expect((await ask(script)).headers["cache-control"]).toBe("public, max-age=31536000, immutable");
    expect((await ask("/favicon.svg")).headers["cache-control"]).toBe("no-cache");
    expect((await ask("/assets/old.js")).headers["cache-control"] ?? "").not.toContain("immutable");
    const { headers } = await ask("/");
    expect((await ask("/", { "if-none-match": String(headers["etag"]) })).status).toBe(304);
  });

  it("come as they were compressed by the build, to whoever takes it", async () => {
    const brotli = await ask(script, { "accept-encoding": "gzip, deflate, br" });
    expect([brotli.status, brotli.headers["content-encoding"], brotli.headers["vary"]]).toEqual([
      200,
      "br",
      "Accept-Encoding",
    ]);
    expect(brotli.headers["content-type"]).toMatch(/^text\/javascript/);
    expect(brotli.headers["cache-control"]).toContain("immutable");
    expect(brotliDecompressSync(brotli.body).toString()).toBe(source);
    const gzip = await ask(script, { "accept-encoding": "gzip, br;q=0" });
    expect(gzip.headers["content-encoding"]).toBe("gzip");
    expect(gunzipSync(gzip.body).toString()).toBe(source);
    const plain = await ask(script);
    expect([plain.headers["content-encoding"], plain.headers["vary"], plain.body.toString()]).toEqual([
      undefined,
      "Accept-Encoding",
      source,
    ]);
    expect(brotli.headers["etag"]).not.toBe(plain.headers["etag"]);
  });
});
