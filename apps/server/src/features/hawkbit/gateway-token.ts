// The gateway's token, from a file that nobody else may read, or from the environment.

import { readFileSync, statSync } from "node:fs";
import { targetTokenPattern } from "@flipside/api/limits";
import { StartError } from "../../start-error.ts";

const form = "32 to 128 letters, digits and . _ ~ + / = -. Make one: openssl rand -hex 32";

/** From the file, else from the variable; undefined when neither is given. Throws StartError, which never quotes it. */
export function readGatewayToken(file: string | undefined, variable: string | undefined): string | undefined {
  if (file !== undefined && variable)
    throw new StartError("The gateway's token is given twice, by file and by HAWKBIT_GATEWAY_TOKEN. Give it once.");
  if (file === undefined && !variable) return undefined;
  let token = variable ?? "";
  if (file !== undefined) {
    try {
      if (process.platform !== "win32" && (statSync(file).mode & 0o077) !== 0)
        throw new StartError(`Others may read the gateway's token in ${file}. Run: chmod 600 ${file}`);
      token = readFileSync(file, "utf8").trim();
    } catch (error) {
      if (error instanceof StartError) throw error;
      throw new StartError(`The gateway's token cannot be read: ${(error as Error).message}`);
    }
  }
  if (targetTokenPattern.test(token)) return token;
  throw new StartError(`${file ?? "HAWKBIT_GATEWAY_TOKEN"} holds no token: ${form}`);
}
