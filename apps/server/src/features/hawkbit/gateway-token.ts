// The gateway's token, from a file that nobody else may read, or from the environment.

import { targetTokenPattern } from "@flipside/api/limits";
import { givenSecret } from "../../secret-file.ts";
import { StartError } from "../../start-error.ts";

const variableName = "HAWKBIT_GATEWAY_TOKEN";
const form = "32 to 128 letters, digits and . _ ~ + / = -. Make one: openssl rand -hex 32";

/** From the file, else from the variable; undefined when neither is given. Throws StartError, which never quotes it. */
export function readGatewayToken(file: string | undefined, variable: string | undefined): string | undefined {
  const token = givenSecret({ file, variable, variableName, what: "the gateway's token" });
  if (token === undefined || targetTokenPattern.test(token)) return token;
  throw new StartError(`${file ?? variableName} holds no token: ${form}`);
}
