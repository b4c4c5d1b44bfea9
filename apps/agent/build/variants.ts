// Many changes of the same sources in one module, of which one is in force: a compilation takes seconds, and a test
// that plants a bug changes one function. Functions are told apart by the syntax tree (TypeScript's parser reads
// AssemblyScript); each that is changed gets all its bodies, each behind a question for its change's number ("mutant
// schemata": Untch, Offutt, Harrold, "Mutation analysis using mutant schemata", ISSTA 1993).

import ts from "typescript";

/** Module that the question is imported from: `is(n)`, whether change n is in force. */
export const VARIANT_MODULE = "apps/agent/src/variants";

/** AssemblyScript, compiled as VARIANT_MODULE. */
export const variantSource = `
@external("variants", "running") declare let running: i32;
@inline export function is(variant: i32): bool { return running == variant; }
`;

class Variants {
  readonly #running = new WebAssembly.Global({ value: "i32", mutable: true }, 0);

  readonly imports = { variants: { running: this.#running } };

  /** The change that is in force from now on, in all modules of this process: they import it. 0: none. */
  get running(): number {
    return this.#running.value as number;
  }

  set running(variant: number) {
    this.#running.value = variant;
  }
}

export const variants = new Variants();

interface Parsed {
  tree: ts.SourceFile;
  /** Of functions, in the order of the text. */
  bodies: ts.Block[];
  /** The text without them. */
  skeleton: string;
}

function parse(source: string): Parsed {
  const tree = ts.createSourceFile("source.ts", source, ts.ScriptTarget.Latest, true, ts.ScriptKind.TS);
  const bodies: ts.Block[] = [];
  const visit = (node: ts.Node): void => {
    if ((ts.isFunctionDeclaration(node) || ts.isMethodDeclaration(node) || ts.isGetAccessor(node)) && node.body)
      bodies.push(node.body);
    else if (node === tree || ts.isClassDeclaration(node) || ts.isModuleDeclaration(node) || ts.isModuleBlock(node))
      ts.forEachChild(node, visit);
  };
  visit(tree);
  let skeleton = "";
  let at = 0;
  for (const body of bodies) {
    skeleton += source.slice(at, body.getStart(tree));
    at = body.getEnd();
  }
  return { tree, bodies, skeleton: skeleton + source.slice(at) };
}

/** Whether `changed` differs from `source` in nothing but what functions do. */
export const changesOnlyFunctions = (source: string, changed: string): boolean =>
  parse(source).skeleton === parse(changed).skeleton;

/**
 * One text of `file` with all these texts of it in one. Each must change only functions.
 *
 * @param file from the repository's root
 */
export function withVariants(file: string, source: string, changed: ReadonlyMap<number, string>): string {
  const original = parse(source);
  const others = [...changed].map(([variant, text]) => ({ variant, ...parse(text) }));
  for (const { variant, skeleton } of others)
    if (skeleton !== original.skeleton)
      throw new RangeError(`change ${variant} of ${file} changes more than what functions do`);
  let out = "";
  let at = 0;
  original.bodies.forEach((body, i) => {
    const plain = body.getText(original.tree);
    const bodies = others
      .map(({ variant, tree, bodies: own }) => ({ variant, text: own[i]!.getText(tree) }))
      .filter(({ text }) => text !== plain);
    if (bodies.length === 0) return;
    const { type } = body.parent as ts.FunctionLikeDeclaration;
    const leave = type?.getText(original.tree) === "void" ? " return;" : "";
    const asked = bodies.map(({ variant, text }) => `if (__is(${variant})) { ${text}${leave} }`);
    out += `${source.slice(at, body.getStart(original.tree))}{ ${asked.join("\n")}\n${plain.slice(1)}`;
    at = body.getEnd();
  });
  const up = file
    .split("/")
    .slice(0, -1)
    .map(() => "..")
    .join("/");
  // Imports may stand anywhere at the top level.
  return `${out}${source.slice(at)}\nimport { is as __is } from "${up}/${VARIANT_MODULE}";\n`;
}
