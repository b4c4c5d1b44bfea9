import { expect, it } from "vitest";
import { documentText, typedConfiguration } from "../src/typed-configuration.ts";

it("a JSON object is taken, however it is written, and counted as the device gets it", () => {
  expect(typedConfiguration(' { "a" : [1, 2] }\n')).toEqual({ document: { a: [1, 2] }, bytes: 11, error: undefined });
  expect(typedConfiguration("{}")).toMatchObject({ document: {}, bytes: 2 });
  expect(typedConfiguration(documentText({ a: "ü" }))).toMatchObject({ document: { a: "ü" }, bytes: 10 });
});

it("anything else is refused with what is wrong", () => {
  expect(typedConfiguration(" ").error).toContain("Type a JSON object");
  expect(typedConfiguration('{"a": }').error).toContain("This is no JSON: ");
  for (const text of ["[]", "1", '"a"', "null"])
    expect(typedConfiguration(text).error, text).toContain("A configuration is a JSON object");
  expect(typedConfiguration(JSON.stringify({ a: "x".repeat(1016) })).error).toBeUndefined();
  expect(typedConfiguration(JSON.stringify({ a: "x".repeat(1017) })).error).toContain(
    "1024 bytes at most; these are 1025",
  );
});
