// What may come next in a filter that is being typed.

import { describe, expect, it } from "vitest";
import { completionAt, parseFilter, valueAsTyped } from "@flipside/device-filter";

const at = (text: string) => completionAt(text.replace("|", ""), text.indexOf("|"));

describe("a filter that is being typed", () => {
  it.each([
    ["|", "field", "", undefined],
    ["ver|", "field", "ver", undefined],
    ["not ver|", "field", "ver", undefined],
    ["has ver|", "field", "ver", undefined],
    ["(tag = a or (|", "field", "", undefined],
    ["tag |", "operator", "", "tag"],
    ["tag l|", "operator", "l", "tag"],
    ["online |", "operator", "", "online"],
    ["tag not |", "operator", "", "tag"],
    ["tag = |", "value", "", "tag"],
    ["tag = can|", "value", "can", "tag"],
    ['tag = "a b|', "value", '"a b', "tag"],
    ["tag in (|", "value", "", "tag"],
    ["tag in (a, b|", "value", "b", "tag"],
    ["tag in (a |", "joint", "", "tag"],
    ["tag in (a) |", "joint", "", "tag"],
    ["tag = a |", "joint", "", "tag"],
    ["tag = a a|", "joint", "a", "tag"],
    ["tag = a and |", "field", "", undefined],
    ["health = | and tag = a", "value", "", "health"],
    ["attribute.site = |", "value", "", "attribute.site"],
  ])("%s wants a %s", (text, wants, typed, field) => {
    expect(at(text)).toMatchObject({ wants, typed, field });
  });

  it("is offered the words that go there", () => {
    expect(at("he|").words).toEqual(["health"]);
    expect(at("health = un|").words).toEqual(["unknown", "unhealthy"]);
    expect(at("revoked = |").words).toEqual(["true", "false"]);
    expect(at("lastSeen |").words).toEqual(["<", "<=", ">", ">="]);
    expect(at("online |").words).toContain("and");
  });

  it("can be read with any word that it is offered in its place", () => {
    const rest: Record<string, string> = {
      ...{ id: " = a", product: " = a", hardware: " = a", revision: " = 1", version: " = 1", release: " = a" },
      ...{ digest: " = a", slotState: " = failed", health: " = unknown", bootReason: " = trap", agent: " = flipside" },
      ...{ channel: " = psk", configuration: " = none", lastSeen: " < 1h", tag: " = a", not: " online", has: " tag" },
    };
    for (const word of at("|").words) expect(() => parseFilter(word + (rest[word] ?? "")), word).not.toThrow();
    for (const field of ["health", "bootReason", "slotState", "agent", "channel", "configuration"])
      for (const word of at(`${field} = |`).words) expect(() => parseFilter(`${field} = ${word}`), word).not.toThrow();
  });

  it("has values in quotes where they need them", () => {
    for (const value of ["site:berlin", "a b", 'a "quoted" one', "and", "1.2.0", "ü"])
      expect(parseFilter(`tag = ${valueAsTyped(value)}`)).toEqual({
        ...{ kind: "compare", field: "tag", operator: "=", value },
      });
  });
});
