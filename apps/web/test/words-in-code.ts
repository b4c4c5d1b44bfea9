// The words for people in the console's sources that no macro of its languages has: those that would stay English.

import { readFileSync } from "node:fs";
import ts from "typescript";

/** Attributes whose values are for programs. */
const attributesOfPrograms =
  /^(class(Name)?|href|id|key|type|name|rel|role|autoComplete|inputMode|d|viewBox|points|transform|for|htmlFor|target|method|lang|dateTime|of|form|pattern|accept|fill|stroke.*|preserveAspectRatio|data-.*|aria-(current|live|haspopup|controls|labelledby|describedby|autocomplete))$/;

/** Words that are the same in every language: names and units. */
const sameEverywhere =
  /^(Flipside|OpenID Connect|Slack|Teams|MQTT|SHA-256|Ed25519|UTC|CSV|JSON|GitHub|KiB|MiB|English|Standard Webhooks|Mender|hawkBit|AWS IoT|Microsoft Teams|Hz)$/;

/** What is typed in some language of programs: filters of devices, and styles. */
const inALanguageOfPrograms =
  /^id in \(|^has id$|(^| )(product|version|health|hardware|revision|tag) (=|<=) |minmax\(|^\((max-width|prefers-)|^[\d.]+rem /;

const isProse = (text: string): boolean =>
  !sameEverywhere.test(text.trim()) &&
  !inALanguageOfPrograms.test(text) &&
  (/[A-Za-z]{2,}[,.!?:;…’”)]* [({“A-Za-z0-9…]/.test(text) || /^[A-Z][a-z]+[.:…!?]?$/.test(text.trim()));

const macroTags = new Set(["t", "msg", "defineMessage"]);
const macroCalls = new Set(["plural", "select", "selectOrdinal", "msg", "t", "defineMessage"]);
const macroElements = new Set(["Trans", "Plural", "Select", "SelectOrdinal"]);

function isInMacro(node: ts.Node): boolean {
  for (let at = node.parent; at !== undefined; at = at.parent) {
    if (ts.isTaggedTemplateExpression(at) && ts.isIdentifier(at.tag) && macroTags.has(at.tag.text)) return true;
    if (ts.isCallExpression(at) && ts.isIdentifier(at.expression) && macroCalls.has(at.expression.text)) return true;
    if (ts.isJsxElement(at) && macroElements.has(at.openingElement.tagName.getText())) return true;
    if (ts.isJsxSelfClosingElement(at) && macroElements.has(at.tagName.getText())) return true;
    // What is calculated inside of a macro's element is no part of its message.
    if (ts.isJsxExpression(at) && !ts.isStringLiteralLike(node)) return false;
  }
  return false;
}

const keptBy = /(^|\.)(asked|useKept)$/;

/** Compared with, a key, a type, the name of a module, or for whoever writes the console. */
function isForPrograms(node: ts.Node): boolean {
  const { parent } = node;
  if (ts.isImportDeclaration(parent) || ts.isExportDeclaration(parent) || ts.isLiteralTypeNode(parent)) return true;
  if (ts.isCaseClause(parent) || ts.isElementAccessExpression(parent)) return true;
  if (ts.isPropertyAssignment(parent) && (parent.name === node || parent.name.getText() === "key")) return true;
  // By which something is kept.
  if (ts.isCallExpression(parent) && parent.arguments[0] === node && keptBy.test(parent.expression.getText()))
    return true;
  if (ts.isBinaryExpression(parent) && /^[!=]==?$/.test(parent.operatorToken.getText())) return true;
  for (let at: ts.Node = node; at !== undefined && !ts.isBlock(at); at = at.parent) {
    if (ts.isJsxAttribute(at)) return attributesOfPrograms.test(at.name.getText());
    if (ts.isNewExpression(at) && /^(Error|TypeError|RegExp|Worker|URL)$/.test(at.expression.getText())) return true;
    if (
      ts.isCallExpression(at) &&
      /^console\.|\.(querySelector(All)?|startsWith|endsWith|addEventListener|animate)$/.test(at.expression.getText())
    )
      return true;
    if (ts.isTemplateLiteralTypeNode(at)) return true;
  }
  return false;
}

const textOf = (node: ts.Node): string | undefined => {
  if (ts.isJsxText(node)) return node.text.replace(/\s+/g, " ");
  if (ts.isStringLiteralLike(node)) return node.text;
  if (ts.isTemplateExpression(node))
    return [node.head.text, ...node.templateSpans.map((each) => each.literal.text)].join("…");
  return undefined;
};

export const wordsLeftOut = (file: string, shownName: string): string[] =>
  wordsLeftOutOf(readFileSync(file, "utf8"), shownName);

/** Each as "file:line: text". */
export function wordsLeftOutOf(code: string, shownName: string): string[] {
  const source = ts.createSourceFile(shownName, code, ts.ScriptTarget.Latest, true, ts.ScriptKind.TSX);
  const found: string[] = [];
  const look = (node: ts.Node): void => {
    const text = textOf(node);
    const isText =
      text !== undefined &&
      (ts.isJsxText(node) ? /[A-Za-z]{2,}/.test(text) && !sameEverywhere.test(text.trim()) : isProse(text));
    if (isText && !isInMacro(node) && !isForPrograms(node)) {
      const { line } = source.getLineAndCharacterOfPosition(node.getStart());
      found.push(`${shownName}:${line + 1}: ${text.trim()}`);
    }
    ts.forEachChild(node, look);
  };
  look(source);
  return found;
}
