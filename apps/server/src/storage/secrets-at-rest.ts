// Secrets in the database, encrypted where a key is given: claim secrets, device secrets, webhooks' secrets.
// AES-256-GCM (NIST SP 800-38D) with a nonce of 96 random bits for each value. A stolen database or backup is
// then worth nothing without the key, which is kept elsewhere. The rest of the server knows nothing of it: values are
// sealed on their way into a query, and opened on their way out.

import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";
import {
  InsertQueryNode,
  type Kysely,
  type KyselyPlugin,
  type PluginTransformQueryArgs,
  type PluginTransformResultArgs,
  PrimitiveValueListNode,
  type QueryResult,
  type RootOperationNode,
  type UnknownRow,
  ValueListNode,
  ValueNode,
  ValuesNode,
} from "kysely";
import { givenSecret } from "../secret-file.ts";
import { StartError } from "../start-error.ts";
import type { Schema } from "./schema.ts";

export const secretKeyBytes = 32;
const nonceBytes = 12;
const tagBytes = 16;
/** No secret begins so by chance: they are random, and this is 64 bits. */
const magic = Buffer.from("fs-seal1");
const checkKey = "secret-key-check";
const advice = "Give it with FLIPSIDE_SECRET_KEY_FILE (--secret-key-file) or FLIPSIDE_SECRET_KEY";

const isSealed = (value: unknown): value is Buffer =>
  Buffer.isBuffer(value) &&
  value.length >= magic.length + nonceBytes + tagBytes &&
  value.subarray(0, magic.length).equals(magic);

/** A key as text: 32 bytes in hex or base64url. Throws StartError, which never quotes it. */
export function parseSecretKey(text: string, from: string): Uint8Array {
  const trimmed = text.trim();
  const bytes = /^[0-9a-fA-F]{64}$/.test(trimmed)
    ? Buffer.from(trimmed, "hex")
    : /^[A-Za-z0-9_+/-]{43}=?$/.test(trimmed)
      ? Buffer.from(trimmed.replaceAll("+", "-").replaceAll("/", "_"), "base64url")
      : undefined;
  if (bytes?.length !== secretKeyBytes)
    throw new StartError(
      `${from} holds no key: 32 random bytes in hex or base64 are wanted. Make one: openssl rand -hex 32`,
    );
  return bytes;
}

/** From the file, else from the variable; undefined when neither is given. */
export function readSecretKey(file: string | undefined, variable: string | undefined): Uint8Array | undefined {
  const variableName = "FLIPSIDE_SECRET_KEY";
  const text = givenSecret({ file, variable, variableName, what: "the key of the database's secrets" });
  return text === undefined ? undefined : parseSecretKey(text, file ?? variableName);
}

export class Vault {
  readonly #key: Uint8Array;

  constructor(key: Uint8Array) {
    this.#key = key;
  }

  seal(value: Uint8Array): Buffer {
    const nonce = randomBytes(nonceBytes);
    const cipher = createCipheriv("aes-256-gcm", this.#key, nonce);
    cipher.setAAD(magic);
    return Buffer.concat([magic, nonce, cipher.update(value), cipher.final(), cipher.getAuthTag()]);
  }

  /** Throws when it was sealed with another key, or changed. */
  open(sealed: Buffer): Buffer {
    const at = magic.length + nonceBytes;
    const decipher = createDecipheriv("aes-256-gcm", this.#key, sealed.subarray(magic.length, at), {
      authTagLength: tagBytes,
    });
    decipher.setAAD(magic);
    decipher.setAuthTag(sealed.subarray(-tagBytes));
    return Buffer.concat([decipher.update(sealed.subarray(at, -tagBytes)), decipher.final()]);
  }
}

/**
 * Judges the key by the database, which is migrated and used by nobody else yet. With a key for the first time,
 * everything that is there is sealed, and `scrub` makes that the tables hold no more what they held before. Throws
 * StartError.
 */
export async function openVault(
  db: Kysely<Schema>,
  key: Uint8Array | undefined,
  { isAlone, scrub }: { isAlone: () => Promise<boolean>; scrub: (tables: readonly string[]) => Promise<void> },
): Promise<Vault | undefined> {
  const check = await db.selectFrom("meta").select("value").where("key", "=", checkKey).executeTakeFirst();
  if (key === undefined) {
    if (check === undefined) return undefined;
    throw new StartError(`The secrets in this database are encrypted, and no key is given. ${advice}.`);
  }
  const vault = new Vault(key);
  if (check !== undefined) {
    try {
      vault.open(check.value);
    } catch {
      throw new StartError(
        `The key given is not the one that the secrets in this database are encrypted with. ${advice}.`,
      );
    }
    return vault;
  }
  if (!(await isAlone()))
    throw new StartError(
      "The secrets in this database are in clear, and other servers that use it have no key. Stop them, start one server with the key, then the others.",
    );
  await db.transaction().execute((transaction) => sealAll(transaction, vault));
  await scrub(["claims", "deviceSecrets", "webhookSecrets", "meta"]);
  return vault;
}

async function sealAll(db: Kysely<Schema>, vault: Vault): Promise<void> {
  for (const { deviceId, secret } of await db.selectFrom("claims").select(["deviceId", "secret"]).execute()) {
    await db
      .updateTable("claims")
      .set({ secret: vault.seal(secret) })
      .where("deviceId", "=", deviceId)
      .execute();
  }
  for (const { deviceId, generation, secret } of await db.selectFrom("deviceSecrets").selectAll().execute()) {
    await db
      .updateTable("deviceSecrets")
      .set({ secret: vault.seal(secret) })
      .where("deviceId", "=", deviceId)
      .where("generation", "=", generation)
      .execute();
  }
  for (const { webhookId, generation, secret } of await db.selectFrom("webhookSecrets").selectAll().execute()) {
    await db
      .updateTable("webhookSecrets")
      .set({ secret: vault.seal(secret) })
      .where("webhookId", "=", webhookId)
      .where("generation", "=", generation)
      .execute();
  }
  await db
    .insertInto("meta")
    .values({ key: checkKey, value: vault.seal(Buffer.from("flipside")) })
    .execute();
}

const secretTables: readonly string[] = ["claims", "deviceSecrets", "webhookSecrets"];
const secretColumn = "secret";

/** Seals what is inserted and opens what is read. Secrets are inserted and deleted, never updated. */
export class SealingPlugin implements KyselyPlugin {
  readonly #vault: Vault;

  constructor(vault: Vault) {
    this.#vault = vault;
  }

  transformQuery({ node }: PluginTransformQueryArgs): RootOperationNode {
    if (
      !InsertQueryNode.is(node) ||
      node.values === undefined ||
      node.columns === undefined ||
      !ValuesNode.is(node.values)
    )
      return node;
    if (!secretTables.includes(node.into?.table.identifier.name ?? "")) return node;
    const columns = node.columns.map((column) => column.column.name);
    const rows = node.values.values.map((list) => {
      const values = PrimitiveValueListNode.is(list)
        ? [...list.values]
        : list.values.map((value) => (ValueNode.is(value) ? value.value : undefined));
      const at = columns.indexOf(secretColumn);
      if (at < 0) return list;
      const sealed = this.#vault.seal(values[at] as Uint8Array);
      if (PrimitiveValueListNode.is(list))
        return PrimitiveValueListNode.create(values.map((value, i) => (i === at ? sealed : value)));
      return ValueListNode.create(list.values.map((value, i) => (i === at ? ValueNode.create(sealed) : value)));
    });
    return { ...node, values: ValuesNode.create(rows) };
  }

  async transformResult({ result }: PluginTransformResultArgs): Promise<QueryResult<UnknownRow>> {
    for (const row of result.rows) {
      for (const [name, value] of Object.entries(row)) if (isSealed(value)) row[name] = this.#vault.open(value);
    }
    return result;
  }
}
