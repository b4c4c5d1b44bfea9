// /kv/ lists the keys, /kv/KEY is a value: GET, HEAD, PUT, DELETE. Values are bytes, and are served as such.

import { JsonWriter } from "../json/writer";
import { Answer, PAGE_BYTES_MAX } from "./answer";
import { KEY_BYTES_MAX, KeyValueTable, NO_PLACE } from "./key-value-table";
import { isText } from "./field-text";
import { Method, RequestHead } from "./request-head";
import { Status } from "./status";

const PREFIX_BYTES: u32 = 4;
const LIST_ALLOWS = "GET, HEAD";
const VALUE_ALLOWS = "GET, HEAD, PUT, DELETE";

export class KeyValueService {
  private json: JsonWriter = new JsonWriter();

  constructor(readonly table: KeyValueTable) {}

  /** Whether the path is one of this service. */
  has(path: usize, length: u32): bool {
    return length >= PREFIX_BYTES && isText(path, PREFIX_BYTES, "/kv/");
  }

  /** A place for the value that comes, or NO_PLACE: then it has answered with a refusal. */
  beginValue(head: RequestHead, answer: Answer): u32 {
    const length = head.pathBytes - PREFIX_BYTES;
    const key = head.path + PREFIX_BYTES;
    let place = NO_PLACE;
    if (length == 0) answer.refuse(Status.MethodNotAllowed, LIST_ALLOWS);
    else if (!isKey(key, length)) this.refuseKey(answer);
    else if (!head.hasLength) answer.refuse(Status.LengthRequired);
    else if (head.contentBytes > this.table.valueBytesMax) answer.refuse(Status.ContentTooLarge);
    else {
      place = this.table.begin(key, length);
      if (place == NO_PLACE) answer.refuse(Status.InsufficientStorage);
    }
    return place;
  }

  endValue(place: u32, valueBytes: u32, answer: Answer): void {
    if (!this.table.keep(place, valueBytes)) answer.refuse(Status.InsufficientStorage);
    else answer.give(this.table.isNew ? Status.Created : Status.NoContent, "text/plain", 0, 0);
  }

  /** All but PUT. */
  answer(head: RequestHead, answer: Answer): void {
    const length = head.pathBytes - PREFIX_BYTES;
    const key = head.path + PREFIX_BYTES;
    const isRead = head.method == Method.Get || head.method == Method.Head;
    if (length == 0) return isRead ? this.list(answer) : answer.refuse(Status.MethodNotAllowed, LIST_ALLOWS);
    if (!isKey(key, length)) return this.refuseKey(answer);
    if (!isRead && head.method != Method.Delete) return answer.refuse(Status.MethodNotAllowed, VALUE_ALLOWS);
    const place = this.table.find(key, length);
    if (place == NO_PLACE) return answer.refuse(Status.NotFound);
    if (isRead) {
      answer.give(Status.Ok, "application/octet-stream", this.table.value(place), this.table.bytesOfValue(place));
    } else {
      this.table.remove(place);
      answer.give(Status.NoContent, "text/plain", 0, 0);
    }
  }

  private refuseKey(answer: Answer): void {
    answer.refuseWith(Status.BadRequest, "A key has 1 to 64 of A-Z a-z 0-9 . _ - ~ and no percent-encoding.");
  }

  private list(answer: Answer): void {
    const table = this.table;
    const json = this.json;
    json.begin(answer.page, PAGE_BYTES_MAX);
    json.beginObject();
    json.key("durability");
    json.text("until the next reset");
    json.key("keysMax");
    json.u32(table.entriesMax);
    json.key("valueBytesMax");
    json.u32(table.valueBytesMax);
    json.key("keys");
    json.beginArray();
    for (let i: u32 = 0; i < table.places(); ++i) {
      if (!table.isKept(i)) continue;
      json.beginObject();
      json.key("key");
      json.string(table.key(i), table.bytesOfKey(i));
      json.key("bytes");
      json.u32(table.bytesOfValue(i));
      json.endObject();
    }
    json.endArray();
    json.endObject();
    const length = json.finish();
    if (length < 0) unreachable(); // a table that does not fit a page is no table that is made
    answer.givePage("application/json", length);
  }
}

/** RFC 3986 §2.3: unreserved characters alone, so that a key has one spelling. */
function isKey(at: usize, length: u32): bool {
  if (length > KEY_BYTES_MAX) return false;
  for (let i: u32 = 0; i < length; ++i) {
    const byte: u32 = load<u8>(at + i);
    const isMark = byte == 0x2d || byte == 0x2e || byte == 0x5f || byte == 0x7e;
    if (!isMark && (byte | 0x20) - 0x61 > 25 && byte - 0x30 > 9) return false;
  }
  return true;
}
