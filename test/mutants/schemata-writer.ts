// Writes a source with all its mutants in it, each behind a question for its number (operators.ts says which there
// are). In which order they are found gives their numbers, and tells equal ones in the same function apart.

import ts from "typescript";
import type { Mutant, Operator } from "./operators.ts";
import { childrenOf, type Part, plain, SourceText } from "./source-text.ts";
import {
  comparisons,
  constantsOf,
  hasEffect,
  isAmount,
  isComparedAlready,
  isConsole,
  isForCompiler,
  isLeftAlone,
  isSimple,
  isTime,
  rowsOf,
  scales,
} from "./syntax.ts";

type FunctionLike = ts.FunctionDeclaration | ts.MethodDeclaration | ts.GetAccessorDeclaration;

const short = (text: string): string => text.replace(/\s+/g, " ").trim();
const is = (number: number): string => `__is(${number})`;

export class SchemataWriter {
  readonly mutants: Mutant[] = [];
  readonly text: SourceText;
  readonly #file: string;
  readonly #first: number;
  readonly #seen = new Map<string, number>();
  /** "Class.method" or "function". */
  #place = "";
  /**
   * Of the module: each use asks, since the declaration is computed by the compiler. One that only the compiler uses
   * (an offset of a load, the size of static memory) has no mutant.
   */
  readonly #constants;
  readonly #mutantsOfConstants = new Map<string, number>();
  /** A function that is handed one as `row` asks at its beginning whether a term is missing. */
  readonly #rows;

  constructor(file: string, source: string, first: number) {
    this.text = new SourceText(file, source);
    this.#file = file;
    this.#first = first;
    this.#constants = constantsOf(this.text.tree);
    this.#rows = rowsOf(this.text.tree);
  }

  whole(): string {
    const { tree } = this.text;
    return this.text.withParts(
      tree,
      tree.statements.map((node) => ({ node, text: this.#emit(node) })),
    );
  }

  #add(node: ts.Node, operator: Operator, from: string, to: string): number {
    const key = `${this.#place}\0${operator}\0${short(from)}\0${short(to)}`;
    const occurrence = (this.#seen.get(key) ?? 0) + 1;
    this.#seen.set(key, occurrence);
    const number = this.#first + this.mutants.length;
    this.mutants.push({
      number,
      file: this.#file,
      place: this.#place,
      line: this.text.lineOf(node),
      operator,
      from: short(from),
      to: short(to),
      occurrence,
    });
    return number;
  }

  #at<T>(place: string, write: () => T): T {
    const before = this.#place;
    this.#place = place;
    const out = write();
    this.#place = before;
    return out;
  }

  #deep(node: ts.Node): string {
    return this.text.withParts(
      node,
      childrenOf(node).map((child) => ({ node: child, text: this.#emit(child) })),
    );
  }

  #emit(node: ts.Node, isNegatedAlready = false): string {
    if (isLeftAlone(node)) return plain(node);
    if (ts.isClassDeclaration(node) || ts.isModuleDeclaration(node))
      return this.#at(node.name ? plain(node.name) : "class", () => this.#deep(node));
    if (ts.isFunctionDeclaration(node) || ts.isMethodDeclaration(node) || ts.isGetAccessor(node))
      return this.#functionLike(node);
    return this.#ofStatement(node) ?? this.#ofExpression(node, isNegatedAlready) ?? this.#deep(node);
  }

  #functionLike(node: FunctionLike): string {
    const place = [this.#place, node.name ? plain(node.name) : "function"]
      .filter((part) => part !== "" && part !== "constant")
      .join(".");
    const { body } = node;
    if (!body) return plain(node);
    return this.#at(place, () => {
      const written = this.#emit(body).replace("{", () => `{${this.#withoutTerms(node)}`);
      return this.text.withParts(node, [{ node: body, text: written }]);
    });
  }

  #withoutTerms(node: FunctionLike): string {
    if (!node.parameters.some(({ name }) => plain(name) === "row")) return "";
    return this.#rows
      .flatMap(({ declaration, terms }) =>
        terms.map((term) => {
          const name = plain(declaration.name);
          const number = this.#add(declaration, "row", `${name}: ${plain(term)}`, "");
          return ` if (${is(number)} && row == ${name}) row &= ~${plain(term)};`;
        }),
      )
      .join("");
  }

  #ofStatement(node: ts.Node): string | undefined {
    if (ts.isBlock(node) || ts.isCaseClause(node) || ts.isDefaultClause(node)) return this.#statements(node);
    if (ts.isIfStatement(node)) {
      const parts: Part[] = [
        { node: node.expression, text: this.#condition(node.expression) },
        { node: node.thenStatement, text: this.#guarded(node.thenStatement) },
      ];
      if (node.elseStatement) parts.push({ node: node.elseStatement, text: this.#guarded(node.elseStatement) });
      return this.text.withParts(node, parts);
    }
    if (ts.isWhileStatement(node))
      return this.text.withParts(node, [
        { node: node.expression, text: this.#condition(node.expression) },
        { node: node.statement, text: this.#loopBody(node.statement) },
      ]);
    if (ts.isForStatement(node)) {
      const parts: Part[] = [];
      if (node.initializer) parts.push({ node: node.initializer, text: this.#emit(node.initializer) });
      if (node.condition) parts.push({ node: node.condition, text: this.#emit(node.condition) });
      if (node.incrementor) parts.push({ node: node.incrementor, text: plain(node.incrementor) });
      parts.push({ node: node.statement, text: this.#loopBody(node.statement) });
      return this.text.withParts(node, parts);
    }
    return ts.isExpressionStatement(node) ? this.#statement(node, []) : undefined;
  }

  #ofExpression(node: ts.Node, isNegatedAlready: boolean): string | undefined {
    if (ts.isConditionalExpression(node))
      return `(${this.#condition(node.condition)} ? ${this.#emit(node.whenTrue)} : ${this.#emit(node.whenFalse)})`;
    if (ts.isPrefixUnaryExpression(node) && node.operator === ts.SyntaxKind.ExclamationToken)
      return `!${this.#emit(node.operand, true)}`;
    if (ts.isBinaryExpression(node)) return this.#binary(node, isNegatedAlready);
    if (ts.isNumericLiteral(node)) return this.#number(node);
    if (node.kind === ts.SyntaxKind.TrueKeyword) return this.#boolean(node, "false");
    if (node.kind === ts.SyntaxKind.FalseKeyword) return this.#boolean(node, "true");
    if (ts.isIdentifier(node)) return this.#identifier(node);
    return ts.isCallExpression(node) || ts.isNewExpression(node) ? this.#call(node) : undefined;
  }

  /** A condition with its mutants. */
  #condition(node: ts.Expression): string {
    if (ts.isParenthesizedExpression(node)) return `(${this.#condition(node.expression)})`;
    const number = this.#add(node, "condition", plain(node), `!(${plain(node)})`);
    return `(${is(number)} ? !(${plain(node)}) : !!(${this.#emit(node, true)}))`;
  }

  #binary(node: ts.BinaryExpression, isNegatedAlready: boolean): string {
    const { kind } = node.operatorToken;
    if (kind === ts.SyntaxKind.AmpersandAmpersandToken) return this.#either(node, "&&", "true");
    if (kind === ts.SyntaxKind.BarBarToken) return this.#either(node, "||", "false");
    const other = comparisons.get(kind);
    return other === undefined ? this.#deep(node) : this.#comparison(node, other, isNegatedAlready);
  }

  /** `neutral`: what a side that is left out is. */
  #either(node: ts.BinaryExpression, sign: string, neutral: string): string {
    const [left, right] = [plain(node.left), plain(node.right)];
    const withoutLeft = this.#add(node, "condition", `${left} ${sign} ${right}`, right);
    const withoutRight = this.#add(node, "condition", `${left} ${sign} ${right}`, left);
    const side = (number: number, expression: ts.Expression): string =>
      `(${is(number)} ? ${neutral} : !!(${this.#emit(expression)}))`;
    return `(${side(withoutLeft, node.left)} ${sign} ${side(withoutRight, node.right)})`;
  }

  #comparison(node: ts.BinaryExpression, other: string, isNegatedAlready: boolean): string {
    const { kind } = node.operatorToken;
    const isEquality = kind === ts.SyntaxKind.EqualsEqualsToken || kind === ts.SyntaxKind.ExclamationEqualsToken;
    if (isEquality && isNegatedAlready) return `(${this.#deep(node)})`; // its condition's negation is the same
    if (!isEquality && isTime(plain(node))) return `(${this.#deep(node)})`;
    const mutant = `${plain(node.left)} ${other} ${plain(node.right)}`;
    const number = this.#add(node, "comparison", plain(node), mutant);
    return `(${is(number)} ? (${mutant}) : (${this.#deep(node)}))`;
  }

  #number(node: ts.NumericLiteral): string {
    const { parent } = node;
    if (isForCompiler(node) || isComparedAlready(node)) return plain(node);
    const isScale = ts.isBinaryExpression(parent) && scales.has(parent.operatorToken.kind);
    if (!isAmount(node) && !isScale && isTime(plain(parent))) return plain(node);
    const other = isAmount(node) ? `(2 * ${plain(node)})` : `(${plain(node)} + 1)`;
    const number = this.#add(node, "constant", plain(parent), this.text.withParts(parent, [{ node, text: other }]));
    return `(${is(number)} ? ${other} : ${plain(node)})`;
  }

  #boolean(node: ts.Node, other: string): string {
    const { parent } = node;
    const number = this.#add(node, "constant", plain(parent), this.text.withParts(parent, [{ node, text: other }]));
    return `(${is(number)} ? ${other} : ${plain(node)})`;
  }

  #identifier(node: ts.Identifier): string {
    const { parent } = node;
    const isMember = ts.isPropertyAccessExpression(parent) && parent.name === node;
    const constant = this.#constants.get(node.text);
    if (!constant || isMember || isForCompiler(node)) return plain(node);
    const other = constant.isAmount ? `2 * ${node.text}` : `${node.text} + 1`;
    const number =
      this.#mutantsOfConstants.get(node.text) ??
      this.#at("constant", () => this.#add(constant.declaration, "constant", plain(constant.declaration), other));
    this.#mutantsOfConstants.set(node.text, number);
    return `(${is(number)} ? <${constant.type}>(${other}) : ${node.text})`;
  }

  /** Types of a generic call stay. */
  #call(node: ts.CallExpression | ts.NewExpression): string {
    const parts: Part[] = [];
    if (ts.isPropertyAccessExpression(node.expression))
      parts.push({ node: node.expression.expression, text: this.#emit(node.expression.expression) });
    for (const argument of node.arguments ?? [])
      parts.push({ node: argument, text: isForCompiler(argument) ? plain(argument) : this.#emit(argument) });
    return this.text.withParts(node, parts);
  }

  /** A statement that may be left out, for one reason or another. */
  #statement(node: ts.Statement, leftOutBy: number[]): string {
    if (!ts.isExpressionStatement(node)) return this.#emit(node);
    if (isConsole(node)) return plain(node);
    const reasons = [...leftOutBy];
    if (isSimple(node)) reasons.push(this.#add(node, "dropped", plain(node), ""));
    const text = this.#deep(node);
    return reasons.length === 0 ? text : `if (${reasons.map((number) => `!${is(number)}`).join(" && ")}) { ${text} }`;
  }

  #statements(node: ts.Block | ts.CaseOrDefaultClause): string {
    const list = [...node.statements];
    const parts: Part[] = [];
    if (ts.isCaseClause(node)) parts.push({ node: node.expression, text: plain(node.expression) });
    let leftOutBy: number[] = [];
    for (const [i, each] of list.entries()) {
      const next = list[i + 1];
      let before = "";
      const own = leftOutBy;
      leftOutBy = [];
      if (next && isSimple(each) && isSimple(next) && (hasEffect(each) || hasEffect(next))) {
        const number = this.#add(each, "swapped", `${plain(each)} ${plain(next)}`, `${plain(next)} ${plain(each)}`);
        before = `if (${is(number)}) { ${plain(next)} } `;
        leftOutBy = [number];
      }
      parts.push({ node: each, text: before + this.#statement(each, own) });
    }
    return this.text.withParts(node, parts);
  }

  #guarded(node: ts.Statement): string {
    return ts.isBlock(node) ? this.#emit(node) : `{ ${this.#statement(node, [])} }`;
  }

  #loopBody(node: ts.Statement): string {
    const body = ts.isBlock(node) ? this.#statements(node).slice(1, -1) : this.#statement(node, []);
    return `{ __spend(); ${body} }`;
  }
}
