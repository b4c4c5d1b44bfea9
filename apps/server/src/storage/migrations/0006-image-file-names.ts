// Image files are known by their name in the data directory, which may be moved: no path is kept.

import { execute, type Migrate } from "./tools.ts";

export const migrate: Migrate = async (db, { add }) => {
  await add(db, "images", "fileName: text not null default ''", "fileDigest: text");
  for (const { digest, filePath } of await db.selectFrom("images").select(["digest", "filePath"]).execute()) {
    const fileName = String(filePath).split(/[/\\]/).at(-1)!;
    await db.updateTable("images").set({ fileName }).where("digest", "=", digest).execute();
  }
  await execute(db, `alter table "images" drop column "filePath"`);
};
