// The device's HTTP/1.1 server, as a client sees it: what it serves, what it refuses, and for how long it waits.

import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import { compileModule, Guest } from "../text/assembly-module.ts";
import { Random } from "../text/random.ts";
import { Client, SECOND_US } from "./client.ts";

let client: Client;
let other: Client;
beforeAll(() => {
  const guest: ConstructorParameters<typeof Client>[0] = new Guest(compileModule("http", "http"));
  client = new Client(guest, 0);
  other = new Client(guest, 1);
});
beforeEach(() => {
  client.connect();
  client.guest.call.forget();
  const name = Buffer.from("dev-7");
  client.guest.call.setName(client.guest.put(name, 200_000), name.length);
});

const HOST = "Host: 10.0.2.15\r\n";
const get = (path: string, fields = ""): string => `GET ${path} HTTP/1.1\r\n${HOST}${fields}\r\n`;
const put = (key: string, value: string, fields = ""): string =>
  `PUT /kv/${key} HTTP/1.1\r\n${HOST}Content-Length: ${value.length}\r\n${fields}\r\n${value}`;
const remove = (key: string): string => `DELETE /kv/${key} HTTP/1.1\r\n${HOST}\r\n`;
const statusesOf = (request: string | Uint8Array, piece?: number): number[] =>
  client.ask(request, piece).map(({ status }) => status);

describe("the status page", () => {
  it("is JSON for programs", () => {
    const [answer] = client.ask(get("/status.json"));
    expect(answer!.status).toBe(200);
    expect(answer!.fields.get("Content-Type")).toBe("application/json");
    expect(JSON.parse(answer!.body)).toEqual({ device: "dev-7", slot: "a", boot: 7 });
  });
  it("is a page for people, on which what a device says of itself is text", () => {
    const name = Buffer.from(`a<b>&"c`);
    client.guest.call.setName(client.guest.put(name, 200_000), name.length);
    const [answer] = client.ask(get("/"));
    expect(answer!.fields.get("Content-Type")).toBe("text/html; charset=utf-8");
    expect(answer!.body).toContain(`<bdi>a&lt;b&gt;&amp;"c</bdi>`);
    expect(answer!.fields.get("Content-Security-Policy")).toBe("default-src 'none'");
  });
  it("is asked for by HEAD without its body, with its length", () => {
    const length = client.ask(get("/status.json"))[0]!.fields.get("Content-Length");
    const [answer] = client.ask(get("/status.json").replace("GET", "HEAD"));
    expect(answer).toMatchObject({ status: 200, body: "" });
    expect(answer!.fields.get("Content-Length")).toBe(length);
  });
  it("has no body for a HEAD that is refused either", () => {
    for (const [path, status] of [
      ["/nothing", 404],
      ["http://evil.example/", 421],
    ] as const)
      expect(client.ask(get(path).replace("GET", "HEAD"))).toMatchObject([{ status, body: "" }]);
  });
  it("is what a URI with authority and query asks for, too", () => {
    expect(statusesOf(get("http://10.0.2.15:80/status.json?x=/kv/"))).toEqual([200]);
  });
  it("changes nothing: other methods are refused by name", () => {
    for (const method of ["PUT", "DELETE", "POST", "PATCH", "OPTIONS", "TRACE", "CONNECT"]) {
      const [answer] = client.ask(get("/status.json").replace("GET", method));
      expect(answer!.status, method).toBe(405);
      expect(answer!.fields.get("Allow"), method).toBe("GET, HEAD");
    }
    expect(statusesOf(get("/status.json").replace("GET", "BREW"))).toEqual([501]);
    expect(statusesOf(get("/status.json").replace("GET", "get"))).toEqual([501]);
    expect(statusesOf(get("/STATUS.json"))).toEqual([404]);
    expect(statusesOf(get("/KV/"))).toEqual([404]);
  });
});

describe("the key-value service", () => {
  it("keeps a value, gives it back byte for byte, replaces it and forgets it", () => {
    const value = Array.from({ length: 256 }, (_, i) => String.fromCharCode(i)).join("");
    expect(statusesOf(put("a.key_1-~", value))).toEqual([201]);
    const [read] = client.ask(get("/kv/a.key_1-~"));
    expect(read).toMatchObject({ status: 200, body: value });
    expect(read!.fields.get("Content-Type")).toBe("application/octet-stream");
    expect(statusesOf(put("a.key_1-~", ""))).toEqual([204]);
    expect(client.ask(get("/kv/a.key_1-~"))[0]).toMatchObject({ status: 200, body: "" });
    expect(statusesOf(remove("a.key_1-~"))).toEqual([204]);
    expect(statusesOf(get("/kv/a.key_1-~"))).toEqual([404]);
    expect(statusesOf(remove("a.key_1-~"))).toEqual([404]);
  });
  it("lists the keys, and says how many there may be, how large, and for how long", () => {
    client.ask(put("one", "1"));
    client.ask(put("two", "22"));
    expect(JSON.parse(client.ask(get("/kv/"))[0]!.body)).toEqual({
      durability: "until the next reset",
      keysMax: 2,
      valueBytesMax: 3072,
      keys: [
        { key: "one", bytes: 1 },
        { key: "two", bytes: 2 },
      ],
    });
    expect(statusesOf(put("", "x"))).toEqual([405]);
    expect(statusesOf(remove(""))).toEqual([405]);
  });
  it("refuses one key more than there are places, and still replaces those that are there", () => {
    client.ask(put("one", "1"));
    client.ask(put("two", "2"));
    expect(statusesOf(put("three", "3"))).toEqual([507]);
    expect(statusesOf(put("two", "new"))).toEqual([204]);
    expect(statusesOf(remove("one"))).toEqual([204]);
    expect(statusesOf(put("three", "3"))).toEqual([201]);
  });
  it("takes values up to their bound, whatever the length claims", () => {
    expect(statusesOf(put("k", "x".repeat(3072)))).toEqual([201]);
    expect(client.ask(get("/kv/k"))[0]!.body).toBe("x".repeat(3072));
    expect(statusesOf(put("k", "x".repeat(3073)))).toEqual([413]);
    for (const length of ["4294967295", "4294967296", "99999999999999999999"])
      expect(statusesOf(`PUT /kv/k HTTP/1.1\r\n${HOST}Content-Length: ${length}\r\n\r\n`), length).toEqual([413]);
    expect(statusesOf(`PUT /kv/k HTTP/1.1\r\n${HOST}\r\n`)).toEqual([411]);
  });
  it("takes keys of one spelling only", () => {
    expect(statusesOf(put("k".repeat(64), ""))).toEqual([201]);
    for (const key of ["k".repeat(65), "a/b", "a%62", "ü", "a+b", "a:b"])
      expect(statusesOf(put(key, "")), key).toEqual([400]);
  });
  it("keeps nothing of a value that came in part, and gives its place back", () => {
    client.ask(put("k", "whole"));
    client.connect();
    client.say(put("k", "x".repeat(100)).slice(0, -1));
    expect(client.guest.call.placesBeingWritten()).toBe(1);
    client.guest.call.end(0);
    client.poll();
    expect(client.isServed).toBe(false);
    expect(client.guest.call.placesBeingWritten()).toBe(0);
    expect(client.ask(get("/kv/k"))[0]!.body).toBe("whole");
  });
  it("keeps the values of two clients that write one key at the same time apart: who ends last has it", () => {
    client.connect();
    other.connect();
    client.say(put("k", "aaaa").slice(0, -1));
    other.say(put("k", "bbbb").slice(0, -2));
    client.say("a");
    expect(other.say("bb").toString()).toMatch(/^HTTP\/1\.1 204 /);
    expect(client.ask(get("/kv/k"))[0]!.body).toBe("bbbb");
  });
  it("refuses the last of two new keys that came at the same time for one place", () => {
    client.ask(put("one", "1"));
    client.connect();
    other.connect();
    client.say(put("two", "22").slice(0, -1));
    other.say(put("three", "33").slice(0, -1));
    expect(client.say("2").toString()).toMatch(/^HTTP\/1\.1 201 /);
    expect(other.say("3").toString()).toMatch(/^HTTP\/1\.1 507 /);
    expect(client.guest.call.placesBeingWritten()).toBe(0);
  });
  it("says 100 Continue to a client that waits for it, and at once what it would be refused with", () => {
    client.connect();
    const request = put("k", "value", "Expect: 100-continue\r\n");
    expect(client.say(request.slice(0, -5)).toString()).toBe("HTTP/1.1 100 Continue\r\n\r\n");
    expect(client.say("value").toString()).toMatch(/^HTTP\/1\.1 201 /);
    expect(statusesOf(put("k", "x".repeat(4000), "Expect: 100-continue\r\n"))).toEqual([413]);
    expect(statusesOf(get("/", "Expect: a-miracle\r\n"))).toEqual([417]);
  });
});

describe("a connection", () => {
  it("serves one request after the other, and those that came at once in their order", () => {
    const requests = put("k", "v1") + get("/kv/k") + put("k", "v22") + get("/kv/k") + get("/nothing") + remove("k");
    expect(client.ask(requests).map(({ status, body }) => (status === 200 ? body : status))).toEqual([
      201,
      "v1",
      204,
      "v22",
      404,
      204,
    ]);
    expect(client.isServed).toBe(true);
  });
  it("ends where the client says so, and where it speaks HTTP/1.0", () => {
    const [answer, ...rest] = client.ask(get("/", "Connection: x, Close\r\n") + get("/"));
    expect(answer!.fields.get("Connection")).toBe("close");
    expect(rest).toEqual([]);
    expect(client.isServed).toBe(false);
    expect(statusesOf("GET / HTTP/1.0\r\n\r\n")).toEqual([200]);
    expect(client.isServed).toBe(false);
  });
  it("reads no further requests while there is no room for an answer, and lets who reads none go", () => {
    client.connect();
    expect(client.say(get("/") + get("/"), 100).length).toBe(0);
    client.now += 9n * SECOND_US;
    expect(client.poll(100).length).toBe(0);
    expect(client.isServed).toBe(true);
    client.now += 2n * SECOND_US;
    expect(client.poll(100).length).toBe(0);
    expect(client.isServed).toBe(false);
  });
  it("is answered 408 when a head does not come whole in 10 s, or a body in 20", () => {
    for (const [request, seconds] of [
      ["GET / HT", 10n],
      [put("k", "value").slice(0, -1), 20n],
    ] as const) {
      client.connect();
      client.say(request);
      client.now += seconds * SECOND_US - 1n;
      expect(client.poll().toString(), request).toBe("");
      client.now += 1n;
      expect(client.poll().toString(), request).toMatch(/^HTTP\/1\.1 408 [^]*Connection: close/);
      expect(client.isServed).toBe(false);
    }
    expect(client.guest.call.placesBeingWritten()).toBe(0);
  });
  it("is not kept alive by a byte now and then", () => {
    client.connect();
    const request = get("/");
    let heard = "";
    for (let i = 0; i < request.length && client.isServed; i++) {
      heard += client.say(request[i]!).toString();
      client.now += SECOND_US;
      heard += client.poll().toString();
    }
    expect(heard).toMatch(/^HTTP\/1\.1 408 /);
  });
  it("is let go without a word after 15 s in which nothing was asked", () => {
    client.connect();
    client.now += 15n * SECOND_US - 1n;
    client.poll();
    expect(client.isServed).toBe(true);
    client.now += 1n;
    expect(client.poll().length).toBe(0);
    expect(client.isServed).toBe(false);
  });
  it("ends after a thousand requests, and says so before", () => {
    client.connect();
    let last = "";
    let count = 0;
    for (; client.isServed; count++) last = client.say(get("/kv/")).toString();
    expect(count).toBe(1000);
    expect(last).toContain("Connection: close");
  });
  it("allocates nothing", () => {
    const before = client.guest.call.allocated();
    for (let i = 0; i < 200; i++) client.ask(put("k", "v") + get("/kv/k") + get("/") + get("/x") + "GET\r\n\r\n");
    expect(client.guest.call.allocated()).toBe(before);
  });
});

const refused: [what: string, request: string, status: number][] = [
  ["a line feed without a carriage return", "GET / HTTP/1.1\nHost: 10.0.2.15\n\n", 400],
  ["a carriage return within a line", `GET / HTTP/1.1\r\n${HOST}A: b\rc\r\n\r\n`, 400],
  ["a NUL in a field", `GET / HTTP/1.1\r\n${HOST}A: \0\r\n\r\n`, 400],
  ["two spaces in the request line", "GET  / HTTP/1.1\r\n", 400],
  ["a tab in the request line", "GET\t/ HTTP/1.1\r\n", 400],
  ["a request line without a version (HTTP/0.9)", "GET /\r\n", 400],
  ["a version in lower case with text behind", "GET / HTTP/1.1x\r\n", 400],
  ["a version that is not in capitals", `GET / HTTp/1.1\r\n${HOST}\r\n`, 400],
  ["HTTP/2.0", `GET / HTTP/2.0\r\n${HOST}\r\n`, 505],
  ["what is no path", `GET status.json HTTP/1.1\r\n${HOST}\r\n`, 400],
  ["an asterisk", `OPTIONS * HTTP/1.1\r\n${HOST}\r\n`, 400],
  ["an authority", `CONNECT 10.0.2.15:80 HTTP/1.1\r\n${HOST}\r\n`, 400],
  ["another scheme", `GET ftp://10.0.2.15/ HTTP/1.1\r\n${HOST}\r\n`, 400],
  ["a fragment", `GET /#a HTTP/1.1\r\n${HOST}\r\n`, 400],
  ["a path of bytes above ASCII", `GET /\xe9 HTTP/1.1\r\n${HOST}\r\n`, 400],
  ["two empty lines in front", `\r\n\r\nGET / HTTP/1.1\r\n${HOST}\r\n`, 400],
  ["a space before the colon", `GET / HTTP/1.1\r\n${HOST}A : b\r\n\r\n`, 400],
  ["a folded field", `GET / HTTP/1.1\r\n${HOST}A: b\r\n c\r\n\r\n`, 400],
  ["a field in front of which is a space", `GET / HTTP/1.1\r\n ${HOST}\r\n`, 400],
  ["a field without a name", `GET / HTTP/1.1\r\n${HOST}: b\r\n\r\n`, 400],
  ["a field without a colon", `GET / HTTP/1.1\r\n${HOST}Content-Length 5\r\n\r\n`, 400],
  ["no Host", "GET / HTTP/1.1\r\n\r\n", 400],
  ["two Hosts, though equal", `GET / HTTP/1.1\r\n${HOST}${HOST}\r\n`, 400],
  ["another site's name (DNS rebinding)", "GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n", 421],
  ["a name that begins as an address", "GET / HTTP/1.1\r\nHost: 10.0.2.15.evil.example\r\n\r\n", 421],
  ["another site's name in the URI", `GET http://evil.example/ HTTP/1.1\r\n${HOST}\r\n`, 421],
  ["an empty Host", "GET / HTTP/1.1\r\nHost:\r\n\r\n", 421],
  ["a chunked body", `PUT /kv/k HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n`, 501],
  ["a coding that pretends (TE.TE)", `PUT /kv/k HTTP/1.1\r\n${HOST}Transfer-Encoding: xchunked\r\n\r\n`, 501],
  [
    "a coding beside a length (CL.TE)",
    `PUT /kv/k HTTP/1.1\r\n${HOST}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    400,
  ],
  [
    "a length beside a coding (TE.CL)",
    `PUT /kv/k HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n`,
    400,
  ],
  ["a coding in HTTP/1.0", `PUT /kv/k HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n`, 400],
  ["two lengths", `PUT /kv/k HTTP/1.1\r\n${HOST}Content-Length: 1\r\nContent-Length: 2\r\n\r\nxy`, 400],
  ["two equal lengths", `PUT /kv/k HTTP/1.1\r\n${HOST}Content-Length: 1\r\nContent-Length: 1\r\n\r\nx`, 400],
  ["a list of lengths", `PUT /kv/k HTTP/1.1\r\n${HOST}Content-Length: 1, 1\r\n\r\nx`, 400],
  ["a length with a sign", `PUT /kv/k HTTP/1.1\r\n${HOST}Content-Length: +1\r\n\r\nx`, 400],
  ["a length in hex", `PUT /kv/k HTTP/1.1\r\n${HOST}Content-Length: 0x1\r\n\r\nx`, 400],
  ["an empty length", `PUT /kv/k HTTP/1.1\r\n${HOST}Content-Length:\r\n\r\n`, 400],
  [
    "a body of a GET, which would be the next request",
    `GET / HTTP/1.1\r\n${HOST}Content-Length: 36\r\n\r\n${get("/kv/")}`,
    400,
  ],
  ["a body of a DELETE", `DELETE /kv/k HTTP/1.1\r\n${HOST}Content-Length: 1\r\n\r\nx`, 400],
  ["a request line that is too long", `GET /${"x".repeat(400)} HTTP/1.1\r\n${HOST}\r\n`, 414],
  ["a request line without an end", `GET /${"x".repeat(400)}`, 414],
  ["fields of more bytes than there is room for", `GET / HTTP/1.1\r\n${HOST}A: ${"x".repeat(1000)}\r\n\r\n`, 431],
  ["more fields than there may be", `GET / HTTP/1.1\r\n${HOST}${"A: b\r\n".repeat(32)}\r\n`, 431],
  ["TLS", "\x16\x03\x01\x02\x00\x01\x00\x01", 400],
];

describe("what is not understood alike by everybody", () => {
  it.each(refused)("is refused: %s", (_, request, status) => {
    const behind = get("/kv/");
    const answers = client.ask(request + behind);
    expect(answers.map((answer) => answer.status)).toEqual([status]);
    // Nothing behind it is taken for a request.
    expect(answers[0]!.fields.get("Connection")).toBe("close");
    expect(client.isServed).toBe(false);
  });
  it("is what it is at whatever byte it is split", () => {
    const sound = [put("k", "value", "Expect: 100-continue\r\n"), `\r\n${get("/kv/k")}`, remove("k")].join("");
    for (const request of [sound, ...refused.map(([, text]) => text)]) {
      client.guest.call.forget();
      const whole = statusesOf(request);
      // With 100 Continue the pieces matter: it is said only where no byte of the body has come.
      const final = (statuses: number[]) => statuses.filter((status) => status !== 100);
      for (const piece of [1, 2, 3, 7]) {
        client.guest.call.forget();
        expect(final(statusesOf(request, piece)), `${JSON.stringify(request)} by ${piece}`).toEqual(final(whole));
      }
    }
    const request = put("k", "12345");
    for (let at = 1; at < request.length; at++) {
      client.guest.call.forget();
      client.connect();
      client.say(request.slice(0, at));
      expect(client.say(request.slice(at)).toString(), `split at ${at}`).toMatch(/^HTTP\/1\.1 201 /);
      expect(client.ask(get("/kv/k"))[0]!.body).toBe("12345");
    }
  });
  it("is answered or refused in order, never by a trap, whatever bytes come", () => {
    const random = new Random("http");
    const words = [get("/"), put("k", "abc"), remove("k"), ...refused.map(([, text]) => text)];
    for (let round = 0; round < 3000; round++) {
      const bytes = Buffer.from(
        Array.from({ length: 1 + random.below(3) }, () => random.pick(words)).join(""),
        "latin1",
      );
      for (let i = random.below(4); i > 0; i--) bytes[random.below(bytes.length)] = random.below(256);
      for (const { status } of client.ask(bytes, 1 + random.below(60))) expect(status).toBeGreaterThanOrEqual(100);
    }
    client.connect();
    expect(client.guest.call.placesBeingWritten()).toBeLessThanOrEqual(1);
  });
});
