// What stands for a session or a token, told apart by how it begins.

import { hashOfSecret, newSecretText } from "../../secret-text.ts";

/** By which a token is known in a request, in a log, and by programs that look for secrets in what is published. */
export const tokenPrefix = "flip_";

export const newSessionText = newSecretText;
export const newTokenText = (): string => tokenPrefix + newSecretText();

/** As its column has it. */
export const hashOf = (text: string): string => hashOfSecret(text).toString("hex");
