// The text of an event stream, as it comes in pieces (WHATWG HTML, section 9.2). EventSource reads the same, but keeps
// to itself what the console goes by: comments, which are the server's heartbeat, their ids, and why a stream was
// refused.

export interface StreamMessage {
  kind: string;
  data: string;
}

export class EventText {
  #rest = "";
  #kind = "";
  #data: string[] = [];
  #id: string | undefined;
  #cursor: string | undefined;

  /** The id of the last block that is whole, with or without an event in it. */
  get cursor(): string | undefined {
    return this.#cursor;
  }

  /** The events that this piece completes. */
  read(piece: string): StreamMessage[] {
    const lines = (this.#rest + piece).split("\n");
    this.#rest = lines.pop()!;
    return lines.flatMap((line) => this.#readLine(line.endsWith("\r") ? line.slice(0, -1) : line));
  }

  #readLine(line: string): StreamMessage[] {
    if (line === "") return this.#endBlock();
    const colon = line.indexOf(":");
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (field === "event") this.#kind = value;
    else if (field === "data") this.#data.push(value);
    else if (field === "id") this.#id = value;
    return [];
  }

  #endBlock(): StreamMessage[] {
    this.#cursor = this.#id ?? this.#cursor;
    const messages = this.#data.length === 0 ? [] : [{ kind: this.#kind, data: this.#data.join("\n") }];
    this.#kind = "";
    this.#data = [];
    return messages;
  }
}
