// The documented command that makes the next trust record (README, docs/image-format.md): npm run trust -- add-release
// …, and flipside trust make add-release …

import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import type { JWK } from "jose";
import {
  appendTrustLink,
  createStrictVerifier,
  decodeSignatureBlock,
  encodeSignatureBlock,
  FormatError,
  fromBase64Url,
  generateSigningKey,
  joinTrustChain,
  keyIdOf,
  readTrustChain,
  releaseThresholdOf,
  sign,
  type SigningKey,
  signingKeyFromJwk,
  splitTrustChain,
  type StrictVerifier,
  toHex,
  TRUST_CHAIN_BYTES_MAX,
  TRUST_KEYS_MAX,
  TRUST_LINKS_MAX,
  TRUST_LINKS_WARNED,
  type TrustKeys,
} from "@flipside/image-format";
import { buildStrictVerifier } from "../../../packages/image-format/assembly/build-strict-verifier.ts";
import { repositoryRoot } from "./paths.ts";
import { privateKeysIn, projectKeys, writeWhole } from "./project-keys.ts";

const usage = `Usage: npm run trust -- COMMAND [options]

Makes the next trust record: the chain as it is and one link more, signed by roots of the last link. Nothing leaves this
machine; upload the file in the console, and devices take it at their next check-in.

  show                       which keys are in force
  add-release                a new release key, which signs releases from then on
  revoke-release ID          without the release key of this id
  add-operations             a new operations key
  revoke-operations ID       without the operations key of this id
  release-threshold          how many release keys have to sign an image: --threshold
  replace-roots              other roots: --root for each, and --threshold
  sign                       add a signature to the last link of --chain, which lacks some

  --keys FOLDER              the project's keys (var/keys)
  --chain FILE               the chain to go on from (FOLDER/trust-chain.bin)
  --sign FILE                private JWK of a root that signs; may be given more than once (all roots in FOLDER)
  --public FILE              JWK of the key to add, made elsewhere (a new one is made in FOLDER)
  --root FILE                JWK of a new root; may be given more than once (one is made in FOLDER)
  --threshold N              how many of the new roots must sign the record after (a majority); of release keys, an
                             image
  --last-link                make the sixteenth link although no key can be changed after it
  --out FILE                 where to write it (FOLDER/trust-chain.bin, or FOLDER/trust-chain.unfinished while signatures
                             are lacking)
  --help                     this text
`;

class UsageError extends Error {}

const idOf = async (key: Uint8Array): Promise<string> => toHex(await keyIdOf(key));

function readJwk(path: string): JWK {
  try {
    return JSON.parse(readFileSync(path, "utf8")) as JWK;
  } catch (error) {
    throw new UsageError(`${path} can't be read as a JWK: ${(error as Error).message}`);
  }
}

function publicKeyIn(path: string): Uint8Array {
  const { kty, crv, x } = readJwk(path);
  if (kty !== "OKP" || crv !== "Ed25519" || typeof x !== "string") throw new UsageError(`${path} holds no Ed25519 key`);
  return fromBase64Url(x);
}

/** A new key of the folder, in the first free place: role-2, role-3 … */
async function newKeyIn(folder: string, role: "root" | "release" | "operations"): Promise<Uint8Array> {
  let number = 2;
  while (existsSync(join(folder, `${role}-${number}.private.jwk`))) number++;
  const key = await generateSigningKey();
  const path = join(folder, `${role}-${number}.private.jwk`);
  writeWhole(path, JSON.stringify(key.privateJwk, null, 2), 0o600);
  process.stdout.write(`made ${relative(process.cwd(), path)}: ${role} key ${await idOf(key.publicKey)}\n`);
  return key.publicKey;
}

async function without(keys: Uint8Array[], id: string | undefined, role: string): Promise<Uint8Array[]> {
  const ids = await Promise.all(keys.map(idOf));
  if (id === undefined || !ids.includes(id.toLowerCase()))
    throw new UsageError(`no ${role} key in force has the id ${id ?? "(missing)"}: ${ids.join(", ")}`);
  return keys.filter((_, i) => ids[i] !== id.toLowerCase());
}

async function show(chain: Uint8Array): Promise<void> {
  const newest = splitTrustChain(chain).at(-1)!.keys;
  const { trustVersion, rootThreshold, rootKeys, releaseKeys, operationsKeys } = newest;
  const releaseThreshold = releaseThresholdOf(newest);
  process.stdout.write(
    `trust record ${trustVersion}, ${chain.length} of ${TRUST_CHAIN_BYTES_MAX} bytes; the next needs ${rootThreshold} of ${rootKeys.length} roots\n`,
  );
  for (const [role, keys] of Object.entries({ root: rootKeys, release: releaseKeys, operations: operationsKeys })) {
    for (const key of keys) process.stdout.write(`  ${role.padEnd(10)} ${await idOf(key)}\n`);
  }
  if (releaseThreshold > 1) process.stdout.write(`  an image needs ${releaseThreshold} of the release keys\n`);
  if (trustVersion >= TRUST_LINKS_WARNED)
    process.stdout.write(
      `this chain has ${trustVersion} of ${TRUST_LINKS_MAX} links, and can't be made shorter: keep what is left for keys that are lost\n`,
    );
}

/** The last link with more signatures; one that a root has given already stays as it is. */
async function countersigned(chain: Uint8Array, signers: SigningKey[]): Promise<Uint8Array> {
  const links = splitTrustChain(chain);
  const last = links.at(-1)!;
  const entries = decodeSignatureBlock(last.signatureBlock);
  for (const { privateJwk, publicKey } of signers) {
    const keyId = await keyIdOf(publicKey);
    if (entries.some((entry) => toHex(entry.keyId) === toHex(keyId))) continue;
    entries.push({ keyId, signature: await sign(privateJwk, "trust", last.body) });
  }
  return joinTrustChain([...links.slice(0, -1), { body: last.body, signatureBlock: encodeSignatureBlock(entries) }]);
}

function argumentsGiven(argv: string[]) {
  const text = { type: "string" as const };
  const list = { type: "string" as const, multiple: true as const };
  try {
    return parseArgs({
      args: argv,
      options: {
        keys: text,
        chain: text,
        sign: list,
        public: text,
        root: list,
        threshold: text,
        out: text,
        "last-link": { type: "boolean" },
        help: { type: "boolean", short: "h" },
      },
      allowPositionals: true,
    });
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

type Options = ReturnType<typeof argumentsGiven>["values"];

/** What a command works on. */
interface Task {
  command: string;
  /** Of the key that the command names, if any. */
  id: string | undefined;
  values: Options;
  /** The project's keys. */
  folder: string;
  chainPath: string;
  chain: Uint8Array;
  verifier: StrictVerifier;
}

/** The chain to go on from; a project that has none yet gets its first. */
async function chainIn(folder: string, { chain }: Options): Promise<{ chainPath: string; chain: Uint8Array }> {
  const chainPath = resolve(chain ?? join(folder, "trust-chain.bin"));
  if (!existsSync(chainPath)) {
    if (chain !== undefined) throw new UsageError(`${chainPath} does not exist`);
    await projectKeys(folder);
  }
  return { chainPath, chain: new Uint8Array(readFileSync(chainPath)) };
}

/** Those of the keys given that are roots of `signable`; one that was named and is none is an error. */
async function signersOf(signable: TrustKeys, { folder, values }: Pick<Task, "folder" | "values">) {
  const offered =
    values.sign?.map((path) => signingKeyFromJwk(readJwk(path))) ?? privateKeysIn(folder, "root").map(({ key }) => key);
  const signers = offered.filter((key) => signable.rootKeys.some((root) => toHex(root) === toHex(key.publicKey)));
  const foreign = values.sign === undefined ? [] : offered.filter((key) => !signers.includes(key));
  if (foreign.length > 0)
    throw new UsageError(`${await idOf(foreign[0]!.publicKey)} is no root that may sign this record`);
  if (signers.length === 0) throw new UsageError("no root that may sign this record was given: --sign FILE");
  return signers;
}

const holds = (chain: Uint8Array, verifier: StrictVerifier): Promise<boolean> =>
  readTrustChain(chain, verifier).then(
    () => true,
    () => false,
  );

type RoleOfOne = "release" | "operations";

async function oneMore(role: RoleOfOne, present: TrustKeys, { folder, values }: Task): Promise<Uint8Array[]> {
  const keys = present[`${role}Keys`];
  if (keys.length >= TRUST_KEYS_MAX)
    throw new UsageError(`a record names at most ${TRUST_KEYS_MAX} ${role} keys: revoke one first`);
  return [...keys, values.public === undefined ? await newKeyIn(folder, role) : publicKeyIn(values.public)];
}

async function otherRoots({ folder, values }: Task): Promise<Pick<TrustKeys, "rootKeys" | "rootThreshold">> {
  const rootKeys = values.root?.map(publicKeyIn) ?? [await newKeyIn(folder, "root")];
  const majority = Math.floor(rootKeys.length / 2) + 1;
  const rootThreshold = values.threshold === undefined ? majority : numberGiven(values.threshold, rootKeys.length);
  return { rootKeys, rootThreshold };
}

function numberGiven(given: string | undefined, most: number): number {
  const number = Number(given);
  if (!Number.isInteger(number) || number < 1 || number > most)
    throw new UsageError(`--threshold ${given ?? "(missing)"}: 1 to ${most}`);
  return number;
}

/** Commands that make a link more: what is other in it. */
const changes: Record<string, (present: TrustKeys, task: Task) => Promise<Partial<TrustKeys>>> = {
  "add-release": async (present, task) => ({ releaseKeys: await oneMore("release", present, task) }),
  "revoke-release": async ({ releaseKeys }, { id }) => ({ releaseKeys: await without(releaseKeys, id, "release") }),
  "add-operations": async (present, task) => ({ operationsKeys: await oneMore("operations", present, task) }),
  "revoke-operations": async ({ operationsKeys }, { id }) => ({
    operationsKeys: await without(operationsKeys, id, "operations"),
  }),
  "release-threshold": async ({ releaseKeys }, { values }) => ({
    releaseThreshold: numberGiven(values.threshold, releaseKeys.length),
  }),
  "replace-roots": (_, task) => otherRoots(task),
};

async function withLinkMore(task: Task, present: TrustKeys, signers: SigningKey[]): Promise<Uint8Array> {
  await readTrustChain(task.chain, task.verifier);
  const trustVersion = present.trustVersion + 1;
  if (trustVersion > TRUST_LINKS_MAX)
    throw new UsageError(`a chain has at most ${TRUST_LINKS_MAX} links, and this one has them all`);
  if (trustVersion === TRUST_LINKS_MAX && !task.values["last-link"])
    throw new UsageError(
      `this would be link ${TRUST_LINKS_MAX}, the last that a chain can have: after it no key can be added, revoked or replaced on any device, ever. Nothing is made; if that is what you mean, say --last-link`,
    );
  const change = Object.hasOwn(changes, task.command) ? changes[task.command] : undefined;
  if (change === undefined) throw new UsageError(`${task.command} is no command`);
  const next: TrustKeys = { ...present, trustVersion, ...(await change(present, task)) };
  if (next.releaseKeys.length === 0) throw new UsageError("a record needs a release key: add another one first");
  if (next.releaseKeys.length < releaseThresholdOf(next))
    throw new UsageError(
      `an image needs ${releaseThresholdOf(next)} of the release keys, and ${next.releaseKeys.length} would be left: lower release-threshold, or add another key first`,
    );
  if (next.rootKeys.length > TRUST_KEYS_MAX) throw new UsageError(`a record names at most ${TRUST_KEYS_MAX} roots`);
  if (new Set(next.rootKeys.map(toHex)).size < next.rootKeys.length) throw new UsageError("a root is named twice");
  return appendTrustLink(
    task.chain,
    next,
    signers.map((key) => key.privateJwk),
  );
}

async function withMoreSignatures({ chain, chainPath, verifier }: Task, signers: SigningKey[]): Promise<Uint8Array> {
  // Devices compare links byte for byte: one that holds is never signed again, or it would be another line.
  if (await holds(chain, verifier)) throw new UsageError(`${chainPath} holds as it is: nothing to sign`);
  return countersigned(chain, signers);
}

/** Writes the record that was made, and says what is to be done with it. */
async function store(made: Uint8Array, { folder, values, verifier }: Task, signatures: string): Promise<void> {
  if (made.length > TRUST_CHAIN_BYTES_MAX)
    throw new UsageError(`the chain would have ${made.length} bytes, and devices take ${TRUST_CHAIN_BYTES_MAX}`);
  const isInForce = await holds(made, verifier);
  const out = resolve(values.out ?? join(folder, isInForce ? "trust-chain.bin" : "trust-chain.unfinished"));
  const shown = relative(process.cwd(), out);
  mkdirSync(dirname(out), { recursive: true });
  writeWhole(out, made, 0o644);
  process.stdout.write(`${shown}: `);
  if (!isInForce)
    process.stdout.write(
      `not in force yet, ${signatures} roots signed here; go on with: npm run trust -- sign --chain ${shown} --sign FILE\n`,
    );
  await show(made);
}

async function run(argv: string[]): Promise<void> {
  const { values, positionals } = argumentsGiven(argv);
  const [command, id, ...rest] = positionals;
  if (values.help) return void process.stdout.write(usage);
  if (command === undefined || rest.length > 0)
    throw new UsageError(command === undefined ? "a command is needed" : `${rest.join(" ")}: not understood`);

  const folder = resolve(values.keys ?? join(repositoryRoot, "var/keys"));
  if (!existsSync(folder))
    throw new UsageError(`${folder} does not exist: --keys names the folder of the project's keys`);
  const { chainPath, chain } = await chainIn(folder, values);
  if (command === "show") return show(chain);

  const links = splitTrustChain(chain);
  const present = links.at(-1)!.keys;
  // Those who sign are roots of the link before the one that is signed.
  const signable = command === "sign" ? (links.at(-2)?.keys ?? present) : present;
  const signers = await signersOf(signable, { folder, values });
  const verifier = await createStrictVerifier(readFileSync(await buildStrictVerifier()));
  const task: Task = { command, id, values, folder, chainPath, chain, verifier };
  const made =
    command === "sign" ? await withMoreSignatures(task, signers) : await withLinkMore(task, present, signers);
  const signed = new Set(signers.map((key) => toHex(key.publicKey))).size;
  await store(made, task, `${signed} of ${signable.rootThreshold}`);
}

/** Exit code: 0 done, 1 it could not be done. */
export async function makeTrust(argv: string[]): Promise<number> {
  try {
    await run(argv);
    return 0;
  } catch (error) {
    if (!(error instanceof UsageError || error instanceof FormatError)) throw error;
    process.stderr.write(`${error.message}\n`);
    if (error instanceof UsageError) process.stderr.write(`\n${usage}`);
    return 1;
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) process.exitCode = await makeTrust(process.argv.slice(2));
