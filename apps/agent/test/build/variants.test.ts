// Many changes of one source in one text: each function asks which is in force.

import { describe, expect, it } from "vitest";
import { changesOnlyFunctions, withVariants } from "../../build/variants.ts";

const source = `import { a } from "./a";
class Log {
  private count: u32 = 0;
  add(): void { this.count++; }
  get size(): u32 { return this.count; }
}
export function isFull(log: Log): bool {
  return log.size > 5;
}
`;
const changed = (find: string, replace: string): string => {
  expect(source).toContain(find);
  return source.replace(find, replace);
};

describe("several texts of one file", () => {
  it("become one, in which what was changed asks for its number", () => {
    const text = withVariants(
      "apps/agent/src/boot-control/x.ts",
      source,
      new Map([
        [1, changed("this.count++;", "this.count += 2;")],
        [4, changed("> 5", ">= 5")],
        [7, changed("> 5", "> 6")],
      ]),
    );
    expect(text).toContain("add(): void { if (__is(1)) { { this.count += 2; } return; }\n this.count++; }");
    expect(text).toMatch(
      /isFull\(log: Log\): bool \{ if \(__is\(4\)\) \{ \{\s+return log\.size >= 5;\s+\} \}\nif \(__is\(7\)\) \{ \{\s+return log\.size > 6;\s+\} \}\n\s+return log\.size > 5;/,
    );
    expect(text).toContain("get size(): u32 { return this.count; }");
    expect(text).toContain('import { is as __is } from "../../../../apps/agent/src/variants";');
  });

  it("don't where one changes more than what functions do", () => {
    for (const text of [
      changed("private count: u32 = 0;", "private count: u32 = 1;"),
      changed("add(): void", "add(more: u32): void"),
      `${source}const x = 1;\n`,
    ]) {
      expect(changesOnlyFunctions(source, text)).toBe(false);
      expect(() => withVariants("x.ts", source, new Map([[1, text]]))).toThrow(
        /change 1 of x\.ts changes more than what functions do/,
      );
    }
    expect(changesOnlyFunctions(source, changed("> 5", ">= 5"))).toBe(true);
  });
});
