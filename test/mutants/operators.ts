// Mutants of AssemblyScript sources: small changes of one place each, found in the syntax tree (TypeScript's parser
// reads AssemblyScript). A file's mutants are put into one text, each behind a question for its number, so that one
// compilation has them all ("mutant schemata": Untch, Offutt, Harrold, "Mutation analysis using mutant schemata", ISSTA
// 1993).
//
//   condition   `if (c)` as `if (!c)`, and either side of && and || left out
//   comparison  `<` as `<=`, `==` as `!=`, ...
//   constant    a number one more, one from 1000 on twice as large; `true` as `false`
//   dropped     a call or an assignment that stands alone is not made
//   swapped     two statements in a row, one of them a call that does more than write to memory, in the other order
//   row         a term of a row of a table, `const ROW: u32 = TERM | TERM`, is missing, for whom the row is handed to
//
// Not made is what nobody can tell by construction: a microsecond more or less, and two writes to memory in another
// order.

import ts from "typescript";

export type Operator = "condition" | "comparison" | "constant" | "dropped" | "swapped" | "row";

export interface Mutant {
  /** In its campaign: what the module is asked for. From 1. */
  number: number;
  /** From the repository's root. */
  file: string;
  /** "Class.method" or "function". */
  place: string;
  line: number;
  operator: Operator;
  from: string;
  to: string;
  /** Of equal ones in the same function, which. From 1. */
  occurrence: number;
}

/** What tells a mutant from all others, wherever its line has moved to. */
export const keyOf = ({ file, place, operator, from, to, occurrence }: Omit<Mutant, "number" | "line">): string =>
  `${file} ${place}: ${operator} ${from} => ${to}${occurrence > 1 ? ` #${occurrence}` : ""}`;

export interface Schemata {
  text: string;
  mutants: Mutant[];
}

/**
 * Module that the questions are imported from: `is(n)` whether mutant n is the one that runs, `spend()` in every loop.
 */
export const QUESTION_MODULE = "apps/agent/src/mutants";

/** What is said on the console is for people: no test may lean on it, so no mutant is made of it. */
const consoleCalls = /^(say|sayHex|sayNumber|sayText|sayNote|endLine|note)$/;

const comparisons = new Map<ts.SyntaxKind, string>([
  [ts.SyntaxKind.LessThanToken, "<="],
  [ts.SyntaxKind.LessThanEqualsToken, "<"],
  [ts.SyntaxKind.GreaterThanToken, ">="],
  [ts.SyntaxKind.GreaterThanEqualsToken, ">"],
  [ts.SyntaxKind.EqualsEqualsToken, "!="],
  [ts.SyntaxKind.ExclamationEqualsToken, "=="],
]);

/**
 * Calls that only read or write memory, or the clock: in which order two of them are made is seen by what they write,
 * which others drop.
 */
const memoryCalls =
  /^(store|load|memory\.(copy|fill)|min|max|abs|clockUs|setSlot|changeSlot|raiseFloor|forgetAll|forgiveUncleanBoots|slotState|slotTries|slotReason|slotDigest|compareBytes|equalInConstantTime|chunkTableBytes|(deviceId|product|hardware)(Ptr|Bytes)|hardwareRevision|otherSlot|otherDigest|server(Port|HostPtr|HostBytes))(<|$)/;

/** What is counted in microseconds. */
const isTime = (text: string): boolean => /(Us|_US)\b(?!\()/.test(text);

const scales = new Set([
  ts.SyntaxKind.AsteriskToken,
  ts.SyntaxKind.SlashToken,
  ts.SyntaxKind.LessThanLessThanToken,
  ts.SyntaxKind.GreaterThanGreaterThanToken,
]);

/** Numbers from here on are amounts and times, of which one more is the same; such a one is doubled. */
const AMOUNT_MIN = 1000;

/** Comparisons beside which a number that is one more makes another mutant than the comparison's own. */
const hasGap = new Set([ts.SyntaxKind.LessThanEqualsToken, ts.SyntaxKind.GreaterThanToken]);

/**
 * The mutants of one file, numbered from `first`, in a text that has them all. `importPath`: of QUESTION_MODULE from
 * there.
 */
export function schemataOf(file: string, source: string, first: number): Schemata {
  const tree = ts.createSourceFile(file, source, ts.ScriptTarget.Latest, true, ts.ScriptKind.TS);
  const mutants: Mutant[] = [];
  const seen = new Map<string, number>();
  let place = "";
  const short = (text: string): string => text.replace(/\s+/g, " ").trim();
  const plain = (node: ts.Node): string => node.getText(tree);
  const add = (node: ts.Node, operator: Operator, from: string, to: string): number => {
    const key = `${place}\0${operator}\0${short(from)}\0${short(to)}`;
    const occurrence = (seen.get(key) ?? 0) + 1;
    seen.set(key, occurrence);
    const number = first + mutants.length;
    mutants.push({
      number,
      file,
      place,
      line: tree.getLineAndCharacterOfPosition(node.getStart(tree)).line + 1,
      operator,
      from: short(from),
      to: short(to),
      occurrence,
    });
    return number;
  };
  const is = (number: number): string => `__is(${number})`;

  // Constants of the module: each use asks, since the declaration is computed by the compiler. One that only the
  // compiler uses (an offset of a load, the size of static memory) has no mutant.
  const constants = new Map<
    string,
    { declaration: ts.VariableDeclaration; number: number | undefined; isAmount: boolean; type: string }
  >();
  const isAmount = (node: ts.NumericLiteral): boolean => Number(node.text.replaceAll("_", "")) >= AMOUNT_MIN;
  for (const statement of tree.statements) {
    if (!ts.isVariableStatement(statement) || !(statement.declarationList.flags & ts.NodeFlags.Const)) continue;
    for (const declaration of statement.declarationList.declarations) {
      const { name, initializer } = declaration;
      if (!initializer || !ts.isIdentifier(name) || !ts.isNumericLiteral(initializer)) continue;
      constants.set(name.text, {
        declaration,
        number: undefined,
        isAmount: isAmount(initializer),
        type: declaration.type ? plain(declaration.type) : "i32",
      });
    }
  }
  const mutantOfConstant = (name: string): { number: number; other: string } => {
    const constant = constants.get(name)!;
    const other = constant.isAmount ? `2 * ${name}` : `${name} + 1`;
    if (constant.number === undefined) {
      const before = place;
      place = "constant";
      constant.number = add(constant.declaration, "constant", plain(constant.declaration), other);
      place = before;
    }
    return { number: constant.number, other: `<${constant.type}>(${other})` };
  };

  // Rows of a table, `const ROW: u32 = TERM | TERM | …`: a function that is handed one as `row` asks at its beginning
  // whether a term is missing.
  const rows: { declaration: ts.VariableDeclaration; terms: ts.Expression[] }[] = [];
  const termsOf = (node: ts.Expression): ts.Expression[] =>
    ts.isBinaryExpression(node) && node.operatorToken.kind === ts.SyntaxKind.BarToken
      ? [...termsOf(node.left), ...termsOf(node.right)]
      : [node];
  for (const statement of tree.statements) {
    if (
      !ts.isVariableStatement(statement) ||
      !statement.modifiers?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword)
    )
      continue;
    for (const declaration of statement.declarationList.declarations) {
      const terms = declaration.initializer ? termsOf(declaration.initializer) : [];
      if (terms.length > 1 && terms.every(ts.isIdentifier)) rows.push({ declaration, terms });
    }
  }
  const withoutTerms = (node: ts.FunctionDeclaration | ts.MethodDeclaration | ts.GetAccessorDeclaration): string => {
    if (!node.parameters.some(({ name }) => plain(name) === "row")) return "";
    return rows
      .flatMap(({ declaration, terms }) =>
        terms.map((term) => {
          const name = plain(declaration.name);
          const number = add(declaration, "row", `${name}: ${plain(term)}`, "");
          return ` if (${is(number)} && row == ${name}) row &= ~${plain(term)};`;
        }),
      )
      .join("");
  };

  /** Replaces parts of a node's text. */
  const withParts = (node: ts.Node, parts: { node: ts.Node; text: string }[]): string => {
    let out = "";
    let at = node.getStart(tree);
    for (const part of parts) {
      out += source.slice(at, part.node.getStart(tree)) + part.text;
      at = part.node.getEnd();
    }
    return out + source.slice(at, node.getEnd());
  };
  const children = (node: ts.Node): ts.Node[] => {
    const list: ts.Node[] = [];
    ts.forEachChild(node, (child) => void list.push(child));
    return list;
  };
  const deep = (node: ts.Node): string =>
    withParts(
      node,
      children(node).map((child) => ({ node: child, text: emit(child) })),
    );

  /** "store", "memory.copy", "setSlot". */
  const nameOf = (callee: ts.Expression): string =>
    ts.isPropertyAccessExpression(callee) && plain(callee.expression) !== "memory" ? callee.name.text : plain(callee);
  const isConsole = (node: ts.Statement): boolean => {
    if (!ts.isExpressionStatement(node) || !ts.isCallExpression(node.expression)) return false;
    const { expression: callee } = node.expression;
    return consoleCalls.test(ts.isPropertyAccessExpression(callee) ? callee.name.text : plain(callee));
  };
  const assignments = new Set([
    ts.SyntaxKind.EqualsToken,
    ts.SyntaxKind.PlusEqualsToken,
    ts.SyntaxKind.MinusEqualsToken,
    ts.SyntaxKind.BarEqualsToken,
    ts.SyntaxKind.AmpersandEqualsToken,
  ]);
  const isAssignment = (node: ts.Expression): boolean =>
    (ts.isBinaryExpression(node) && assignments.has(node.operatorToken.kind)) ||
    ((ts.isPostfixUnaryExpression(node) || ts.isPrefixUnaryExpression(node)) &&
      (node.operator === ts.SyntaxKind.PlusPlusToken || node.operator === ts.SyntaxKind.MinusMinusToken));
  const isCall = (node: ts.Expression): boolean =>
    ts.isCallExpression(node) && node.expression.kind !== ts.SyntaxKind.SuperKeyword;
  const isSimple = (node: ts.Statement): node is ts.ExpressionStatement =>
    ts.isExpressionStatement(node) && (isCall(node.expression) || isAssignment(node.expression)) && !isConsole(node);
  const hasEffect = (node: ts.Node): boolean =>
    (ts.isCallExpression(node) && !memoryCalls.test(nameOf(node.expression))) || children(node).some(hasEffect);

  /**
   * What has to be a constant for the compiler: the size of static memory, the immediate of a load or store, a case.
   */
  const isForCompiler = (node: ts.Expression): boolean => {
    const { parent } = node;
    if (ts.isCaseClause(parent)) return true;
    if (!ts.isCallExpression(parent)) return false;
    const callee = plain(parent.expression);
    return (
      /^(memory\.data|heap\.alloc)$/.test(callee) ||
      (callee === "load" && parent.arguments[1] === node) ||
      (callee === "store" && parent.arguments[2] === node)
    );
  };

  /** A condition with its mutants. */
  const condition = (node: ts.Expression): string => {
    if (ts.isParenthesizedExpression(node)) return `(${condition(node.expression)})`;
    const number = add(node, "condition", plain(node), `!(${plain(node)})`);
    return `(${is(number)} ? !(${plain(node)}) : !!(${emit(node, true)}))`;
  };

  function emit(node: ts.Node, isNegatedAlready = false): string {
    if (
      ts.isTypeNode(node) ||
      ts.isImportDeclaration(node) ||
      ts.isExportDeclaration(node) ||
      ts.isEnumDeclaration(node) ||
      ts.isDecorator(node)
    )
      return plain(node);
    if (ts.isClassDeclaration(node) || ts.isModuleDeclaration(node)) {
      const before = place;
      place = node.name ? plain(node.name) : "class";
      const out = deep(node);
      place = before;
      return out;
    }
    if (ts.isConstructorDeclaration(node)) return plain(node); // has to assign each field, for the compiler to see
    if (ts.isFunctionDeclaration(node) || ts.isMethodDeclaration(node) || ts.isGetAccessor(node)) {
      const before = place;
      place = [before, node.name ? plain(node.name) : "function"]
        .filter((part) => part !== "" && part !== "constant")
        .join(".");
      const out = node.body
        ? withParts(node, [{ node: node.body, text: emit(node.body).replace("{", () => `{${withoutTerms(node)}`) }])
        : plain(node);
      place = before;
      return out;
    }
    // computed by the compiler, or once at the start
    if (ts.isVariableStatement(node) && node.parent === tree) return plain(node);
    if (ts.isPropertyDeclaration(node)) return plain(node);
    if (ts.isBlock(node) || ts.isCaseClause(node) || ts.isDefaultClause(node)) return statements(node);
    if (ts.isIfStatement(node)) {
      const parts = [
        { node: node.expression as ts.Node, text: condition(node.expression) },
        { node: node.thenStatement as ts.Node, text: guarded(node.thenStatement) },
      ];
      if (node.elseStatement) parts.push({ node: node.elseStatement, text: guarded(node.elseStatement) });
      return withParts(node, parts);
    }
    if (ts.isWhileStatement(node))
      return withParts(node, [
        { node: node.expression, text: condition(node.expression) },
        { node: node.statement, text: loopBody(node.statement) },
      ]);
    if (ts.isForStatement(node)) {
      const parts: { node: ts.Node; text: string }[] = [];
      if (node.initializer) parts.push({ node: node.initializer, text: emit(node.initializer) });
      if (node.condition) parts.push({ node: node.condition, text: emit(node.condition) });
      if (node.incrementor) parts.push({ node: node.incrementor, text: plain(node.incrementor) });
      parts.push({ node: node.statement, text: loopBody(node.statement) });
      return withParts(node, parts);
    }
    if (ts.isConditionalExpression(node))
      return `(${condition(node.condition)} ? ${emit(node.whenTrue)} : ${emit(node.whenFalse)})`;
    if (ts.isPrefixUnaryExpression(node) && node.operator === ts.SyntaxKind.ExclamationToken)
      return `!${emit(node.operand, true)}`;
    if (ts.isBinaryExpression(node)) {
      const { kind } = node.operatorToken;
      if (kind === ts.SyntaxKind.AmpersandAmpersandToken || kind === ts.SyntaxKind.BarBarToken) {
        const sign = kind === ts.SyntaxKind.AmpersandAmpersandToken ? "&&" : "||";
        const neutral = sign === "&&" ? "true" : "false";
        const withoutLeft = add(
          node,
          "condition",
          `${plain(node.left)} ${sign} ${plain(node.right)}`,
          plain(node.right),
        );
        const withoutRight = add(
          node,
          "condition",
          `${plain(node.left)} ${sign} ${plain(node.right)}`,
          plain(node.left),
        );
        return `((${is(withoutLeft)} ? ${neutral} : !!(${emit(node.left)})) ${sign} (${is(withoutRight)} ? ${neutral} : !!(${emit(node.right)})))`;
      }
      const other = comparisons.get(kind);
      if (other !== undefined) {
        const isEquality = kind === ts.SyntaxKind.EqualsEqualsToken || kind === ts.SyntaxKind.ExclamationEqualsToken;
        if (isEquality && isNegatedAlready) return `(${deep(node)})`; // its condition's negation is the same
        if (!isEquality && isTime(plain(node))) return `(${deep(node)})`;
        const number = add(node, "comparison", plain(node), `${plain(node.left)} ${other} ${plain(node.right)}`);
        return `(${is(number)} ? (${plain(node.left)} ${other} ${plain(node.right)}) : (${deep(node)}))`;
      }
      return deep(node);
    }
    if (ts.isNumericLiteral(node)) {
      const { parent } = node;
      if (isForCompiler(node)) return plain(node);
      // Beside `<` and `>=` one more is the comparison's own mutant; beside `==` it is less than `!=`.
      if (
        ts.isBinaryExpression(parent) &&
        comparisons.has(parent.operatorToken.kind) &&
        !hasGap.has(parent.operatorToken.kind)
      )
        return plain(node);
      const isScale = ts.isBinaryExpression(parent) && scales.has(parent.operatorToken.kind);
      if (!isAmount(node) && !isScale && isTime(plain(parent))) return plain(node);
      const other = isAmount(node) ? `(2 * ${plain(node)})` : `(${plain(node)} + 1)`;
      const number = add(node, "constant", plain(parent), withParts(parent, [{ node, text: other }]));
      return `(${is(number)} ? ${other} : ${plain(node)})`;
    }
    if (node.kind === ts.SyntaxKind.TrueKeyword || node.kind === ts.SyntaxKind.FalseKeyword) {
      const number = add(
        node,
        "constant",
        plain(node.parent),
        withParts(node.parent, [{ node, text: node.kind === ts.SyntaxKind.TrueKeyword ? "false" : "true" }]),
      );
      return `(${is(number)} ? ${node.kind === ts.SyntaxKind.TrueKeyword ? "false" : "true"} : ${plain(node)})`;
    }
    if (ts.isIdentifier(node)) {
      const constant = constants.get(node.text);
      const { parent } = node;
      if (!constant || (ts.isPropertyAccessExpression(parent) && parent.name === node) || isForCompiler(node))
        return plain(node);
      const { number, other } = mutantOfConstant(node.text);
      return `(${is(number)} ? ${other} : ${node.text})`;
    }
    if (ts.isCallExpression(node) || ts.isNewExpression(node)) {
      // Types of a generic call stay.
      const parts: { node: ts.Node; text: string }[] = [];
      if (ts.isPropertyAccessExpression(node.expression))
        parts.push({ node: node.expression.expression, text: emit(node.expression.expression) });
      for (const argument of node.arguments ?? [])
        parts.push({ node: argument, text: isForCompiler(argument) ? plain(argument) : emit(argument) });
      return withParts(node, parts);
    }
    if (ts.isExpressionStatement(node)) return statement(node, []);
    return deep(node);
  }

  /** A statement that may be left out, for one reason or another. */
  function statement(node: ts.Statement, leftOutBy: number[]): string {
    if (!ts.isExpressionStatement(node)) return emit(node);
    if (isConsole(node)) return plain(node);
    const reasons = [...leftOutBy];
    if (isSimple(node)) reasons.push(add(node, "dropped", plain(node), ""));
    const text = deep(node);
    return reasons.length === 0 ? text : `if (${reasons.map((number) => `!${is(number)}`).join(" && ")}) { ${text} }`;
  }

  function statements(node: ts.Block | ts.CaseOrDefaultClause): string {
    const list = [...node.statements];
    const parts: { node: ts.Node; text: string }[] = [];
    if (ts.isCaseClause(node)) parts.push({ node: node.expression, text: plain(node.expression) });
    let leftOutBy: number[] = [];
    for (const [i, each] of list.entries()) {
      const next = list[i + 1];
      let before = "";
      const own = leftOutBy;
      leftOutBy = [];
      if (next && isSimple(each) && isSimple(next) && (hasEffect(each) || hasEffect(next))) {
        const number = add(each, "swapped", `${plain(each)} ${plain(next)}`, `${plain(next)} ${plain(each)}`);
        before = `if (${is(number)}) { ${plain(next)} } `;
        leftOutBy = [number];
      }
      parts.push({ node: each, text: before + statement(each, own) });
    }
    return withParts(node, parts);
  }

  const guarded = (node: ts.Statement): string => (ts.isBlock(node) ? emit(node) : `{ ${statement(node, [])} }`);
  const loopBody = (node: ts.Statement): string =>
    `{ __spend(); ${ts.isBlock(node) ? statements(node).slice(1, -1) : statement(node, [])} }`;

  const body = withParts(
    tree,
    tree.statements.map((node) => ({ node, text: emit(node) })),
  );
  const lastImport = tree.statements.filter(ts.isImportDeclaration).at(-1);
  const up = file
    .split("/")
    .slice(0, -1)
    .map(() => "..")
    .join("/");
  // On the line of the last import, so that lines stay where they are.
  const importLine = ` import { is as __is, spend as __spend } from "${up}/${QUESTION_MODULE}";`;
  if (!lastImport) return { text: importLine + body, mutants };
  const head = withParts(lastImport, []);
  const at = body.indexOf(head) + head.length;
  return { text: body.slice(0, at) + importLine + body.slice(at), mutants };
}
