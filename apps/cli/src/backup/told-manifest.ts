// What a backup holds, in one line or two.

import type { Manifest } from "./backup-folder.ts";

export function toldManifest({ madeAt, rows, images, missingImages }: Manifest): string {
  const bytes = images.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  const counts = ["devices", "releases", "rollouts"].map((table) => `${rows[table] ?? 0} ${table}`).join(", ");
  const missing =
    missingImages.length === 0
      ? ""
      : `\n${missingImages.length} image files were missing on the server already: ${missingImages.join(", ")}. Upload their releases again.`;
  return `as of ${madeAt}: ${counts}, ${images.length} images of ${bytes} bytes${missing}`;
}
