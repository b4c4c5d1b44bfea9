// Many changes of the same sources in one module, of which one is in force: a compilation takes seconds, and a test that plants
// a bug changes one function. Functions are told apart by the syntax tree (TypeScript's parser reads AssemblyScript); each that
// is changed gets all its bodies, each behind a question for its change's number ("mutant schemata": Untch, Offutt, Harrold,
// "Mutation analysis using mutant schemata", ISSTA 1993).

import ts from "typescript";

/** Module that the question is imported from: `is(n)`, whether change n is in force. */
export const VARIANT_MODULE = "apps/agent/src/variants";

/** AssemblyScript, compiled as VARIANT_MODULE. */
export const variantSource = `
@external("variants", "running") declare let running: i32;
@inline export function is(variant: i32): bool { return running == variant; }
`;

const global = new WebAssembly.Global({ value: "i32", mutable: true }, 0);

/** Which change is in force, for all modules of this process: they import it. */
export const variants = {
  imports: { variants: { running: global } },
  /** Does `work` with a change in force. */
  async during<T>(variant: number, work: () => T | Promise<T>): Promise<T> {
    global.value = variant;
    try {
      return await work();
    } finally {
      global.value = 0;
    }
  },
};

interface FunctionBody {
  place: string;
  body: ts.Block;
  returnsNothing: boolean;
}

function parse(source: string): { tree: ts.SourceFile; bodies: FunctionBody[]; skeleton: string } {
  const tree = ts.createSourceFile("source.ts", source, ts.ScriptTarget.Latest, true, ts.ScriptKind.TS);
  const bodies: FunctionBody[] = [];
  const visit = (node: ts.Node, place: string): void => {
    if (ts.isClassDeclaration(node) || ts.isModuleDeclaration(node)) ts.forEachChild(node, (child) => visit(child, `${place}${node.name?.getText(tree)}.`));
    else if ((ts.isFunctionDeclaration(node) || ts.isMethodDeclaration(node) || ts.isGetAccessor(node)) && node.body) {
      bodies.push({ place: place + node.name?.getText(tree), body: node.body, returnsNothing: node.type?.getText(tree) === "void" });
    } else if (ts.isModuleBlock(node) || node === tree) ts.forEachChild(node, (child) => visit(child, place));
  };
  visit(tree, "");
  let skeleton = "";
  let at = 0;
  for (const { body } of bodies) {
    skeleton += source.slice(at, body.getStart(tree));
    at = body.getEnd();
  }
  return { tree, bodies, skeleton: skeleton + source.slice(at) };
}

/**
 * One text of `file` with all these texts of it in one. Undefined where they differ in more than the bodies of functions.
 *
 * @param file from the repository's root
 */
export function withVariants(file: string, source: string, changed: ReadonlyMap<number, string>): string | undefined {
  const original = parse(source);
  const others = [...changed].map(([variant, text]) => ({ variant, ...parse(text) }));
  if (others.some(({ skeleton }) => skeleton !== original.skeleton)) return undefined;
  let out = "";
  let at = 0;
  original.bodies.forEach(({ body, returnsNothing }, i) => {
    const plain = body.getText(original.tree);
    const bodies = others.map(({ variant, tree, bodies: own }) => ({ variant, text: own[i]!.body.getText(tree) })).filter(({ text }) => text !== plain);
    if (bodies.length === 0) return;
    const asked = bodies.map(({ variant, text }) => `if (__is(${variant})) { ${text}${returnsNothing ? " return;" : ""} }`);
    out += `${source.slice(at, body.getStart(original.tree))}{ ${asked.join("\n")}\n${plain.slice(1)}`;
    at = body.getEnd();
  });
  const up = file.split("/").slice(0, -1).map(() => "..").join("/");
  // Imports may stand anywhere at the top level.
  return `${out}${source.slice(at)}\nimport { is as __is } from "${up}/${VARIANT_MODULE}";\n`;
}
