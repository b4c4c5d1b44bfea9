// `flipside restore` (docs/operations.md, "Backup and restore")

import { command } from "../command-line/command.ts";
import { UsageError } from "../command-line/failures.ts";

export const restore = command({
  name: "restore",
  summary: "Put a copy of a server's data into a folder of its own",
  about: "The backup is looked at before, byte for byte. Start the server on the folder then.",
  options: {
    from: { value: "FOLDER", what: "what flipside backup has made" },
    "data-dir": { value: "FOLDER", what: "the server's new data folder, which does not exist yet" },
  },
  examples: ["flipside restore --from /backup/flipside --data-dir var/server-restored"],
  run: async ({ options: { from, "data-dir": to } }) => {
    if (from === undefined || to === undefined) throw new UsageError("give --from and --data-dir");
    const { restoreBackup } = await import("../backup/restore.ts");
    const { toldManifest } = await import("../backup/told-manifest.ts");
    const manifest = restoreBackup(from, to);
    return { json: manifest, text: `restored ${toldManifest(manifest)}` };
  },
});
