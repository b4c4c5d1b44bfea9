// A second reading of requests, by RFC 9112 and docs/http.md: what a device that has this much in its table must answer
// to a byte stream. Written from the documents, with regular expressions, so that it does not make the device's
// mistakes.

const TOKEN = "[!#$%&'*+\\-.^_`|~0-9A-Za-z]+";
const HEAD = new RegExp(
  `^(?:\\r\\n)?(${TOKEN}) ([\\x21-\\x7e]+) HTTP/1\\.([0-9])\\r\\n((?:${TOKEN}:[\\t\\x20-\\x7e\\x80-\\xff]*\\r\\n)*)\\r\\n`,
);
const HEAD_BYTES_MAX = 1024;
const REQUEST_LINE_BYTES_MAX = 320;
const FIELDS_MAX = 32;
const KNOWN = ["GET", "HEAD", "PUT", "DELETE", "POST", "PATCH", "OPTIONS", "TRACE", "CONNECT"];

export interface Expected {
  status: number;
  /** Of a value that is read. */
  body?: string;
  /** To a HEAD: no body follows. */
  isHead?: boolean;
}

export interface Reading {
  answers: Expected[];
  /** Where it stopped, a request has not come whole, or it is none: one refusal may follow, and nothing else. */
  isUnclear: boolean;
  ends: boolean;
}

interface Head {
  method: string;
  target: string;
  isHttp11: boolean;
  fields: [name: string, value: string][];
}

/** RFC 9110 §5.6.3: OWS, which is less than what String.trim takes away. */
const trimmed = (value: string): string => value.replace(/^[\t ]+|[\t ]+$/g, "");

const valuesOf = (head: Head, name: string): string[] =>
  head.fields.filter(([own]) => own.toLowerCase() === name).map(([, value]) => value);

const isOwnHost = (host: string): boolean =>
  /^(localhost|(?=[0-9.]{7,15}(:|$))[0-9]*\.[0-9]*\.[0-9]*\.[0-9]*)(:[0-9]{0,5})?$/i.test(host);

/** The status that its form alone is refused with; 200: none. */
function verdictOf(head: Head, foreignUri: boolean): number {
  const hosts = valuesOf(head, "host");
  const lengths = valuesOf(head, "content-length");
  if (hosts.length > 1 || lengths.length > 1 || lengths.some((length) => !/^[0-9]+$/.test(length))) return 400;
  if (valuesOf(head, "transfer-encoding").length > 0) return lengths.length > 0 || !head.isHttp11 ? 400 : 501;
  if (head.isHttp11 && hosts.length === 0) return 400;
  if (foreignUri || hosts.some((host) => !isOwnHost(host))) return 421;
  return valuesOf(head, "expect").some((value) => value.toLowerCase() !== "100-continue") ? 417 : 200;
}

class Device {
  readonly table = new Map<string, string>();

  constructor(
    readonly keysMax: number,
    readonly valueBytesMax: number,
  ) {}

  /** What a PUT of this length is refused with before its value comes; 0: it is taken. */
  refusalOf(key: string, length: number | undefined): number {
    if (key === "") return 405;
    if (!/^[A-Za-z0-9._~-]{1,64}$/.test(key)) return 400;
    if (length === undefined) return 411;
    if (length > this.valueBytesMax) return 413;
    return this.table.has(key) || this.table.size < this.keysMax ? 0 : 507;
  }

  put(key: string, value: string): Expected {
    const isNew = !this.table.has(key);
    this.table.set(key, value);
    return { status: isNew ? 201 : 204 };
  }

  answerTo(method: string, path: string): Expected {
    const isRead = method === "GET" || method === "HEAD";
    if (!path.startsWith("/kv/")) return { status: path !== "/" && path !== "/status.json" ? 404 : isRead ? 200 : 405 };
    const key = path.slice(4);
    if (key === "") return { status: isRead ? 200 : 405 };
    if (!/^[A-Za-z0-9._~-]{1,64}$/.test(key)) return { status: 400 };
    if (!isRead && method !== "DELETE") return { status: 405 };
    const value = this.table.get(key);
    if (value === undefined) return { status: 404 };
    if (isRead) return { status: 200, ...(method === "GET" ? { body: value } : {}) };
    this.table.delete(key);
    return { status: 204 };
  }
}

function readHead(text: string): { head: Head; bytes: number } | undefined {
  const match = HEAD.exec(text);
  if (!match || match[0].length > HEAD_BYTES_MAX) return undefined;
  const [whole, method, target, minor, fieldLines] = match as unknown as [string, string, string, string, string];
  const requestLine = `${method} ${target} HTTP/1.${minor}\r`;
  const fields = fieldLines
    .split("\r\n")
    .slice(0, -1)
    .map((line) => {
      const colon = line.indexOf(":");
      return [line.slice(0, colon), trimmed(line.slice(colon + 1))] as [string, string];
    });
  if (requestLine.length > REQUEST_LINE_BYTES_MAX || fields.length > FIELDS_MAX) return undefined;
  return { head: { method, target, isHttp11: minor !== "0", fields }, bytes: whole.length };
}

/** The path that a target names, and whether its authority is another's; undefined: it names none. */
function pathOf(target: string): { path: string; isForeign: boolean } | undefined {
  const match = /^(?:http:\/\/([^/]*))?(\/[^?#]*)(\?.*)?$/i.exec(target);
  return match ? { path: match[2]!, isForeign: match[1] !== undefined && !isOwnHost(match[1]) } : undefined;
}

/** Nothing is in the table before. */
export function readingOf(input: Uint8Array, keysMax: number, valueBytesMax: number): Reading {
  const device = new Device(keysMax, valueBytesMax);
  const answers: Expected[] = [];
  const end = (status?: number, isHead = false): Reading => {
    if (status !== undefined) answers.push({ status, isHead });
    return { answers, isUnclear: false, ends: true };
  };
  for (let rest = Buffer.from(input).toString("latin1"); ; ) {
    const read = readHead(rest);
    const named = read && pathOf(read.head.target);
    if (!read || !named) return { answers, isUnclear: true, ends: false };
    const { head, bytes } = read;
    const verdict = verdictOf(head, named.isForeign);
    const isHead = head.method === "HEAD";
    if (verdict !== 200) return end(verdict, isHead);
    if (!KNOWN.includes(head.method)) return end(501);
    const lengthText = valuesOf(head, "content-length")[0];
    const length = lengthText === undefined ? undefined : Number(lengthText);
    rest = rest.slice(bytes);
    if (head.method === "PUT" && named.path.startsWith("/kv/")) {
      const key = named.path.slice(4);
      const refusal = device.refusalOf(key, length);
      if (refusal !== 0) return end(refusal);
      if (rest.length < length!) return { answers, isUnclear: false, ends: false };
      answers.push(device.put(key, rest.slice(0, length)));
      rest = rest.slice(length);
    } else {
      if ((length ?? 0) > 0) return end(400, isHead);
      answers.push({ ...device.answerTo(head.method, named.path), isHead });
    }
    const options = valuesOf(head, "connection").flatMap((value) => value.split(","));
    const isPersistent = head.isHttp11 && !options.some((option) => trimmed(option).toLowerCase() === "close");
    if (!isPersistent) return end();
  }
}
