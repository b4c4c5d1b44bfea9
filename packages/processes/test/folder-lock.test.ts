import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";
import { FolderInUseError, lockFolder } from "../src/folder-lock.ts";

let folder: string;
const children: ChildProcess[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "flipside-lock-"));
});
afterEach(() => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
  rmSync(folder, { recursive: true });
});

/** A process that tries to take the folder, says "taken" or the error, and stays. */
function rival(): { child: ChildProcess; said: Promise<string> } {
  const child = spawn(
    process.execPath,
    ["--import", "tsx", fileURLToPath(new URL("lock-holder.ts", import.meta.url)), folder],
    { stdio: ["pipe", "pipe", "inherit"] },
  );
  children.push(child);
  const said = new Promise<string>((resolve) =>
    createInterface({ input: child.stdout! })
      .once("line", resolve)
      .once("close", () => resolve("nothing")),
  );
  return { child, said };
}

function ended(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => child.once("exit", () => resolve()));
}

test("who comes second is told who has it: process, since when, command, folder", async () => {
  const first = rival();
  expect(await first.said).toBe("taken");
  const before = new Date().toISOString();
  let error: FolderInUseError | undefined;
  try {
    lockFolder(folder);
  } catch (thrown) {
    error = thrown as FolderInUseError;
  }
  expect(error).toBeInstanceOf(FolderInUseError);
  expect(error!.owner).toMatchObject({ processId: first.child.pid, host: hostname() });
  expect(error!.owner!.since <= before).toBe(true);
  expect(error!.message).toContain(
    `The folder ${folder} is in use by process ${first.child.pid} since ${error!.owner!.since} (`,
  );
  expect(error!.message).toContain("lock-holder.ts");
  expect(error!.message).toContain(`kill ${first.child.pid}`);
});

test("the lock dies with its process, by kill -9 too, and is none of another folder's", async () => {
  const first = rival();
  expect(await first.said).toBe("taken");
  const other = mkdtempSync(join(tmpdir(), "flipside-lock-"));
  lockFolder(other).release();
  rmSync(other, { recursive: true });

  const gone = ended(first.child);
  first.child.kill("SIGKILL");
  await gone;
  const lock = lockFolder(folder);
  expect(await rival().said).toContain(`in use by process ${process.pid}`);
  lock.release();
  lock.release();
  expect(await rival().said).toBe("taken");
});

test("within one process, too, there is one owner; the file is its user's alone", () => {
  const lock = lockFolder(join(folder, "deeper"));
  expect(() => lockFolder(join(folder, "deeper"))).toThrow(FolderInUseError);
  expect(statSync(join(folder, "deeper")).mode & 0o777).toBe(0o700);
  expect(statSync(join(folder, "deeper", "owner.lock")).mode & 0o777).toBe(0o600);
  lock.release();
  lockFolder(join(folder, "deeper")).release();
});

test("a lock that nobody in its process refers to any more is held all the same", async () => {
  const first = rival();
  expect(await first.said).toBe("taken");
  first.child.stdin!.write("collect garbage\n");
  await new Promise<void>((resolve) => createInterface({ input: first.child.stdout! }).once("line", () => resolve()));
  expect(() => lockFolder(folder)).toThrow(FolderInUseError);
});

test("of five that come at once, exactly one takes it", async () => {
  const rivals = Array.from({ length: 5 }, rival);
  const said = await Promise.all(rivals.map((one) => one.said));
  const taken = said.filter((line) => line === "taken");
  expect(taken.length, said.join("\n")).toBe(1);
  expect(said.filter((line) => line.includes("is in use")).length).toBe(4);
  await Promise.all(
    rivals.map(({ child }) => (child.exitCode === null ? (child.kill("SIGKILL"), ended(child)) : undefined)),
  );
  lockFolder(folder).release();
}, 60_000);

test("a damaged lock file is named, with what to do", async () => {
  const { writeFileSync } = await import("node:fs");
  writeFileSync(join(folder, "owner.lock"), "no database at all, but long enough to be looked at".repeat(20));
  expect(() => lockFolder(folder)).toThrow(
    /owner\.lock is damaged \(SQLITE_NOTADB\)\. When no other process uses that folder, delete it/,
  );
});
