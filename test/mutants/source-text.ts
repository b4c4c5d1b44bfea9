// A source as text and tree, and pieces of its text with parts of them replaced.

import ts from "typescript";

export interface Part {
  node: ts.Node;
  text: string;
}

export class SourceText {
  readonly tree: ts.SourceFile;
  readonly #text: string;

  constructor(file: string, text: string) {
    this.tree = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true, ts.ScriptKind.TS);
    this.#text = text;
  }

  lineOf(node: ts.Node): number {
    return this.tree.getLineAndCharacterOfPosition(node.getStart(this.tree)).line + 1;
  }

  /** Replaces parts of a node's text. */
  withParts(node: ts.Node, parts: readonly Part[]): string {
    let out = "";
    let at = node.getStart(this.tree);
    for (const part of parts) {
      out += this.#text.slice(at, part.node.getStart(this.tree)) + part.text;
      at = part.node.getEnd();
    }
    return out + this.#text.slice(at, node.getEnd());
  }
}

export const plain = (node: ts.Node): string => node.getText();

export function childrenOf(node: ts.Node): ts.Node[] {
  const list: ts.Node[] = [];
  ts.forEachChild(node, (child) => void list.push(child));
  return list;
}
