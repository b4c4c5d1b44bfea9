// Takes the folder that it is told, says how that went, and stays until it is ended. A line of input collects garbage.

import { createInterface } from "node:readline";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { lockFolder } from "../src/folder-lock.ts";

try {
  lockFolder(process.argv[2]!);
  console.log("taken");
} catch (error) {
  console.log((error as Error).message);
  process.exit(1);
}
setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;
createInterface({ input: process.stdin }).on("line", () => {
  for (let round = 0; round < 3; round++) collect();
  setTimeout(() => {
    collect();
    console.log("collected");
  }, 50);
});
