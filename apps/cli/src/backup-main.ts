// `flipside backup` and `flipside restore` (docs/operations.md, "Backup and restore").

import { parseArgs } from "node:util";
import { BackupError, type Manifest } from "./backup/backup-folder.ts";
import { makeBackup } from "./backup/backup.ts";
import { restoreBackup } from "./backup/restore.ts";

const usage = {
  backup: `Usage: flipside backup --data-dir FOLDER --to FOLDER

Copies a server's database and images while it runs, and looks at the copy: whole, no row missing, each image as it was
uploaded. The second folder appears when all of it is there. Whoever has it can sign in and be any device.
`,
  restore: `Usage: flipside restore --from FOLDER --data-dir FOLDER

Looks at a backup, byte for byte, and puts it into a data folder that does not exist yet. Start the server on that then.
`,
};

function told({ madeAt, rows, images, missingImages }: Manifest): string {
  const bytes = images.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  const counts = ["devices", "releases", "rollouts"].map((table) => `${rows[table] ?? 0} ${table}`).join(", ");
  const missing =
    missingImages.length === 0
      ? ""
      : `\n${missingImages.length} image files were missing on the server already: ${missingImages.join(", ")}. Upload their releases again.`;
  return `as of ${madeAt}: ${counts}, ${images.length} images of ${bytes} bytes${missing}`;
}

/** Exit code: 0 done, 1 it could not be done, 2 the command line can't be used. */
function run(
  name: "backup" | "restore",
  argv: string[],
  places: [string, string],
  act: (...paths: [string, string]) => Manifest,
) {
  const options = {
    help: { type: "boolean", short: "h" },
    [places[0]]: { type: "string" },
    [places[1]]: { type: "string" },
  } as const;
  let values: Record<string, string | boolean | undefined>;
  try {
    ({ values } = parseArgs({ args: argv, options }) as { values: typeof values });
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n\n${usage[name]}`);
    return 2;
  }
  if (values["help"]) {
    process.stdout.write(usage[name]);
    return 0;
  }
  const [first, second] = places.map((place) => values[place]);
  if (typeof first !== "string" || typeof second !== "string") {
    process.stderr.write(`give --${places[0]} and --${places[1]}\n\n${usage[name]}`);
    return 2;
  }
  try {
    process.stdout.write(`${name === "backup" ? "backed up" : "restored"} ${told(act(first, second))}\n`);
    return 0;
  } catch (error) {
    if (!(error instanceof BackupError) && (error as NodeJS.ErrnoException).code === undefined) throw error;
    process.stderr.write(`${(error as Error).message}\n`);
    return 1;
  }
}

export const backup = (argv: string[]): number => run("backup", argv, ["data-dir", "to"], makeBackup);
export const restore = (argv: string[]): number => run("restore", argv, ["from", "data-dir"], restoreBackup);
