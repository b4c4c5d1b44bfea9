import { describe, expect, it } from "vitest";
import { EventText } from "../src/live/event-text.ts";

describe("the text of an event stream", () => {
  const stream =
    ': connected\n\n: ping\nid: a-1\n\nevent: device\nid: a-2\ndata: {"id":\ndata: "ä"}\n\nevent: gone\r\ndata:{}\r\n\r\nevent: release\nid: a-3\ndata: {}\n';

  it("is read alike in whatever pieces it comes", () => {
    for (let size = 1; size <= stream.length; size++) {
      const text = new EventText();
      const read = [];
      for (let at = 0; at < stream.length; at += size) read.push(...text.read(stream.slice(at, at + size)));
      expect(read, `in pieces of ${size}`).toEqual([
        { kind: "device", data: '{"id":\n"ä"}' },
        { kind: "gone", data: "{}" },
      ]);
      expect(text.cursor, "of the last block that is whole").toBe("a-2");
    }
  });

  it("takes a cursor from a heartbeat, and has none before the first", () => {
    const text = new EventText();
    expect(text.read(": connected\n\n: ping\nid: a-1\n")).toEqual([]);
    expect(text.cursor).toBeUndefined();
    text.read("\n");
    expect(text.cursor).toBe("a-1");
  });
});
