// What of AssemblyScript's syntax mutants are made of, and what is left alone.

import ts from "typescript";
import { childrenOf, plain } from "./source-text.ts";

/** What is said on the console is for people: no test may lean on it, so no mutant is made of it. */
const consoleCalls = /^(say|sayHex|sayNumber|sayText|sayNote|endLine|note)$/;

export const comparisons = new Map<ts.SyntaxKind, string>([
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
export const isTime = (text: string): boolean => /(Us|_US)\b(?!\()/.test(text);

export const scales = new Set([
  ts.SyntaxKind.AsteriskToken,
  ts.SyntaxKind.SlashToken,
  ts.SyntaxKind.LessThanLessThanToken,
  ts.SyntaxKind.GreaterThanGreaterThanToken,
]);

/** Numbers from here on are amounts and times, of which one more is the same; such a one is doubled. */
const AMOUNT_MIN = 1000;

export const isAmount = (node: ts.NumericLiteral): boolean => Number(node.text.replaceAll("_", "")) >= AMOUNT_MIN;

/** Comparisons beside which a number that is one more makes another mutant than the comparison's own. */
const hasGap = new Set([ts.SyntaxKind.LessThanEqualsToken, ts.SyntaxKind.GreaterThanToken]);

/** Beside `<` and `>=` one more is the comparison's own mutant; beside `==` it is less than `!=`. */
export const isComparedAlready = ({ parent }: ts.Node): boolean =>
  ts.isBinaryExpression(parent) && comparisons.has(parent.operatorToken.kind) && !hasGap.has(parent.operatorToken.kind);

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

export function isConsole(node: ts.Statement): boolean {
  if (!ts.isExpressionStatement(node) || !ts.isCallExpression(node.expression)) return false;
  const { expression: callee } = node.expression;
  return consoleCalls.test(ts.isPropertyAccessExpression(callee) ? callee.name.text : plain(callee));
}

/** A call or an assignment that stands alone. */
export const isSimple = (node: ts.Statement): node is ts.ExpressionStatement =>
  ts.isExpressionStatement(node) && (isCall(node.expression) || isAssignment(node.expression)) && !isConsole(node);

/** "store", "memory.copy", "setSlot". */
const nameOf = (callee: ts.Expression): string =>
  ts.isPropertyAccessExpression(callee) && plain(callee.expression) !== "memory" ? callee.name.text : plain(callee);

export const hasEffect = (node: ts.Node): boolean =>
  (ts.isCallExpression(node) && !memoryCalls.test(nameOf(node.expression))) || childrenOf(node).some(hasEffect);

/** What has to be a constant for the compiler: the size of static memory, the immediate of a load or store, a case. */
export function isForCompiler(node: ts.Expression): boolean {
  const { parent } = node;
  if (ts.isCaseClause(parent)) return true;
  if (!ts.isCallExpression(parent)) return false;
  const callee = plain(parent.expression);
  return (
    /^(memory\.data|heap\.alloc)$/.test(callee) ||
    (callee === "load" && parent.arguments[1] === node) ||
    (callee === "store" && parent.arguments[2] === node)
  );
}

/** Says nothing that runs, or is computed by the compiler, or once at the start. */
export const isLeftAlone = (node: ts.Node): boolean =>
  ts.isTypeNode(node) ||
  ts.isImportDeclaration(node) ||
  ts.isExportDeclaration(node) ||
  ts.isEnumDeclaration(node) ||
  ts.isDecorator(node) ||
  // It has to assign each field, for the compiler to see.
  ts.isConstructorDeclaration(node) ||
  (ts.isVariableStatement(node) && ts.isSourceFile(node.parent)) ||
  ts.isPropertyDeclaration(node);

export interface ModuleConstant {
  declaration: ts.VariableDeclaration;
  isAmount: boolean;
  type: string;
}

/** Constants of the module that are numbers, by name. */
export function constantsOf(tree: ts.SourceFile): Map<string, ModuleConstant> {
  const constants = new Map<string, ModuleConstant>();
  for (const statement of tree.statements) {
    if (!ts.isVariableStatement(statement) || !(statement.declarationList.flags & ts.NodeFlags.Const)) continue;
    for (const declaration of statement.declarationList.declarations) {
      const { name, initializer, type } = declaration;
      if (!initializer || !ts.isIdentifier(name) || !ts.isNumericLiteral(initializer)) continue;
      constants.set(name.text, { declaration, isAmount: isAmount(initializer), type: type ? plain(type) : "i32" });
    }
  }
  return constants;
}

export interface TableRow {
  declaration: ts.VariableDeclaration;
  terms: ts.Expression[];
}

const termsOf = (node: ts.Expression): ts.Expression[] =>
  ts.isBinaryExpression(node) && node.operatorToken.kind === ts.SyntaxKind.BarToken
    ? [...termsOf(node.left), ...termsOf(node.right)]
    : [node];

/** Rows of a table, `const ROW: u32 = TERM | TERM | …`. */
export function rowsOf(tree: ts.SourceFile): TableRow[] {
  const rows: TableRow[] = [];
  for (const statement of tree.statements) {
    const isTable =
      ts.isVariableStatement(statement) &&
      statement.modifiers?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword);
    if (!isTable) continue;
    for (const declaration of statement.declarationList.declarations) {
      const terms = declaration.initializer ? termsOf(declaration.initializer) : [];
      if (terms.length > 1 && terms.every(ts.isIdentifier)) rows.push({ declaration, terms });
    }
  }
  return rows;
}
