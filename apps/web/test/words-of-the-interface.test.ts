// What @flipside/api and the filter say in English, the console has in words of its own, for other languages. In
// English both say the same.

import { judge } from "@flipside/api/audit-chain";
import { errors } from "@flipside/api/errors";
import { waveDevicesMax } from "@flipside/api/limits";
import { noAnswerInTime, ProblemError, problemFrom, unexpected, unreachable } from "@flipside/api/problem";
import { refusedFile } from "@flipside/api/refused-file";
import * as order from "@flipside/api/release-order";
import * as arithmetic from "@flipside/api/rollout-arithmetic";
import { routes } from "@flipside/api/routes";
import { scopeText } from "@flipside/api/scope";
import { spanText } from "@flipside/api/span-text";
import type { WaveSpec } from "@flipside/api/types";
import { FilterError, parseFilter } from "@flipside/device-filter";
import { ErrorCode } from "@flipside/image-format/portable/error-codes";
import { afterEach, describe, expect, it } from "vitest";
import { asProblem } from "../src/api/problem.ts";
import { errorName } from "../src/format.ts";
import { i18n } from "../src/language/i18n.ts";
import { readFilter } from "../src/typed-filter.ts";
import { filterFaultWords } from "../src/words/filter-fault-words.ts";
import { operationWords } from "../src/words/operation-words.ts";
import { problemTitle } from "../src/words/problem-titles.ts";
import * as refusedInWords from "../src/words/refused-file-words.ts";
import * as orderInWords from "../src/words/release-order-words.ts";
import * as scopeInWords from "../src/words/scope-words.ts";
import * as spanInWords from "../src/words/span-text.ts";
import * as wavesInWords from "../src/words/wave-problems.ts";
import { wrongRecordWords } from "../src/words/wrong-record-words.ts";

const codes = Object.values(ErrorCode).filter((code) => typeof code === "number" && code !== ErrorCode.None);

describe("problems", () => {
  const known = [
    ...Object.entries(errors).map(([code, error]) => new ProblemError({ ...error, code, detail: "", errors: [] })),
    ...codes.map(
      (code) => new ProblemError({ ...refusedFile({ codeName: errorName(code), message: "" }), errors: [] }),
    ),
    ...[unreachable(), noAnswerInTime(), unexpected(502, ""), problemFrom(418, "{}")],
  ];

  it("are called the same", () => {
    expect(known.map(problemTitle)).toEqual(known.map(({ title }) => title));
  });

  it("that have a title and a detail of their own keep them in English", () => {
    const problem = new ProblemError({ status: 404, code: "not-found", title: "Gone", detail: "Why.", errors: [] });
    expect(asProblem(problem)).toBe(problem);
  });

  describe("in another language", () => {
    i18n.load("zh-CN", {});
    afterEach(() => i18n.activate("en"));

    it("have its title, and what the server says beside it", () => {
      i18n.activate("zh-CN");
      const problem = problemFrom(404, '{"code":"not-found","title":"Gone","detail":"Why."}', "30");
      const { title, detail, retryAfterSeconds, cause } = asProblem(problem);
      expect({ title, detail, retryAfterSeconds }).toEqual({
        title: errors["not-found"].title,
        detail: "Why.",
        retryAfterSeconds: 30,
      });
      expect(cause).toBe(problem);
    });

    it("keep the titles that nobody here has words for", () => {
      i18n.activate("zh-CN");
      expect(asProblem(problemFrom(409, '{"code":"of-later","title":"Not now"}')).title).toBe("Not now");
    });
  });
});

it("operations are called by their names", () => {
  const names = Object.keys(routes);
  const spelt = (name: string): string => name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
  expect(names.map(operationWords)).toEqual(names.map(spelt));
  expect(operationWords("ofLater")).toBe("of later");
});

it("a file is refused in the same words", () => {
  const refused = codes
    .map((code) => ({ codeName: errorName(code), message: "At byte 7: no" }))
    .filter(({ codeName }) => !codeName.startsWith("trust-"));
  expect(refused.map(refusedInWords.refusedFile)).toEqual(refused.map(refusedFile));
});

describe("a release beside others", () => {
  const releases = ["1.0.0", "1.1.0", "2.0.0", "of-no-order"].flatMap((version) =>
    [1, 2, 3].map((releaseSequence) => ({ version, releaseSequence })),
  );

  it("is out of sequence for the same reason", () => {
    const said = releases.map((release) => orderInWords.whyOutOfSequence(release, releases));
    expect(said).toEqual(releases.map((release) => order.whyOutOfSequence(release, releases)));
    const ofPairs = releases.flatMap((one) => releases.map((other) => [one, [other]] as const));
    const why = ofPairs.map((pair) => orderInWords.whyOutOfSequence(...pair));
    expect(why).toEqual(ofPairs.map((pair) => order.whyOutOfSequence(...pair)));
    expect(new Set(why.map((each) => each === undefined)).size).toBe(2);
  });

  it("was uploaded before in the same words", () => {
    expect(orderInWords.uploadedBefore("thing", "1.0.0")).toBe(order.uploadedBefore("thing", "1.0.0"));
    expect(orderInWords.imageUploadedBefore("ab12")).toBe(order.imageUploadedBefore("ab12"));
  });
});

it("waves are wrong for the same reasons", () => {
  const sizes: WaveSpec[] = [
    ...[0, 5, 5, 101, Number.NaN].map((percent) => ({ percent })),
    ...[0, 1, 1.5, waveDevicesMax + 1, Number.NaN].map((count) => ({ count })),
    ...[{ filter: " " }, { filter: "tag = a" }, { filter: "tag = a", count: 0 }],
  ];
  expect(wavesInWords.waveProblems(sizes)).toEqual(arithmetic.waveProblems(sizes));
  for (const count of [0, 1, 1.5, waveDevicesMax, waveDevicesMax + 1])
    expect(wavesInWords.deviceCountProblem(count)).toBe(arithmetic.deviceCountProblem(count));
});

it("lengths of time are rounded the same", () => {
  const lengths = Array.from({ length: 200 }, (_, step) => Math.round(1.1 ** step)).filter((ms) => ms < 1e10);
  expect(lengths.map(spanInWords.spanText)).toEqual(lengths.map(spanText));
});

it("scopes are the same", () => {
  for (const scope of [null, [], ["a"], ["a", "site:b"]]) expect(scopeInWords.scopeText(scope)).toBe(scopeText(scope));
});

describe("a filter", () => {
  const wrong = [
    ...[
      "online and",
      "online online",
      "(online",
      "(online online",
      "online and )",
      "id not x",
      "id not",
      "hardwar = x",
    ],
    ...["id x", "id", "revision x", "id = ", "id = =", "id = and", "id = (", "online = maybe", "lastSeen > soon"],
    ...["version > new", "revision = many", "health = goood", "slotState = x", "id in x", "id in (a b", "id in (a"],
    ...["id > a", "online like x", "lastSeen = 2h", "health < x", "tag ~ 1", "revision like 1", "version ~ new"],
    ...["online && revoked", "!online", "id == x", "id = 'x'", "id = x; online", 'id = "a\\b"', 'id = "a\\', 'id = "a'],
    ...[
      "attribute.a$b = 1",
      `attribute.${"a".repeat(99)} = 1`,
      "attribute.a > b",
      "attribute.a x",
      "not",
      "has",
      "has x",
    ],
    ...["(".repeat(60), `${"x".repeat(20_000)}`, 'id "a\nb"', "id x\ny", "version in (1.0.0,)"],
  ];
  const faultOf = (text: string): FilterError => {
    try {
      parseFilter(text);
    } catch (error) {
      if (error instanceof FilterError) return error;
    }
    throw new Error(`${text} was taken`);
  };

  it.each(wrong)("is wrong in the same words: %j", (text) => {
    const { what } = faultOf(text);
    expect(filterFaultWords(what)).toBe(what);
  });

  it("is wrong at the same place in another language", () => {
    i18n.load("zh-CN", {});
    i18n.activate("zh-CN");
    try {
      for (const text of wrong) {
        const { offset, length, what, suggestion } = faultOf(text);
        expect(readFilter(text, [], 0).fault).toMatchObject({ offset, length, what });
        expect(readFilter(text, [], 0).fault!.suggestion).toBe(suggestion);
      }
    } finally {
      i18n.activate("en");
    }
  });
});

describe("a record", () => {
  const hashOf = (text: string): string => text.length.toString(16).padStart(64, "0");
  const lineOf = (number: number, before: string): { text: string; hash: string } => {
    const text = JSON.stringify({ number });
    return { text, hash: hashOf(`${before}\n${text}`) };
  };
  const start = { number: 0, hash: "0".repeat(64) };
  const first = lineOf(1, start.hash);
  const second = lineOf(2, first.hash);
  const noted = (number: number): typeof start => ({ number, hash: "f".repeat(64) });

  it.each([
    ["of nothing", [], undefined],
    ["with a gap", [first, lineOf(3, first.hash)], undefined],
    ["with a line that can't be read", [first, { text: "?", hash: "" }], undefined],
    ["with a changed line", [first, { ...second, hash: "e".repeat(64) }], undefined],
    ["that ends too soon", [first], noted(7)],
    ["written anew", [first, second], noted(2)],
  ] as const)("%s is wrong in the same words", async (_, lines, place) => {
    async function* parts(): AsyncGenerator<{ start: typeof start; lines: { text: string; hash: string }[] }> {
      if (lines.length > 0) yield { start, lines: [...lines] };
    }
    const led = await judge(parts(), place, hashOf);
    if (!("wrong" in led)) throw new Error("it was taken");
    expect(wrongRecordWords(led.wrong)).toBe(led.wrong);
  });
});
