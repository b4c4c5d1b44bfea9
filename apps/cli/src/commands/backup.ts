// `flipside backup` (docs/operations.md, "Backup and restore")

import { command } from "../command-line/command.ts";
import { UsageError } from "../command-line/failures.ts";

export const backup = command({
  name: "backup",
  summary: "Copy a server's data while it runs",
  about:
    "Copies database and images, and looks at the copy: whole, no row missing, each image as it was uploaded. The folder appears when all of it is there. Whoever has it can be any device, and guess passwords.",
  options: {
    "data-dir": { value: "FOLDER", what: "the server's data folder" },
    to: { value: "FOLDER", what: "where the copy goes: a folder that does not exist yet" },
  },
  examples: ["flipside backup --data-dir var/server --to /backup/flipside"],
  run: async ({ options: { "data-dir": from, to } }) => {
    if (from === undefined || to === undefined) throw new UsageError("give --data-dir and --to");
    const { makeBackup } = await import("../backup/backup.ts");
    const { toldManifest } = await import("../backup/told-manifest.ts");
    const manifest = makeBackup(from, to);
    return { json: manifest, text: `backed up ${toldManifest(manifest)}` };
  },
});
