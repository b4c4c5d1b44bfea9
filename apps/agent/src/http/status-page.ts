// What a device tells of itself: /status.json for programs, / for people. Facts are said once, and written either way.

import { JsonWriter } from "../json/writer";
import { Answer, PAGE_BYTES_MAX } from "./answer";

export abstract class StatusSource {
  /** Tells each fact to the page. */
  abstract tell(page: StatusPage): void;
}

export class StatusPage {
  private json: JsonWriter = new JsonWriter();
  private html: Answer | null = null;

  constructor(private source: StatusSource) {}

  answerJson(answer: Answer): void {
    this.html = null;
    this.json.begin(answer.page, PAGE_BYTES_MAX);
    this.json.beginObject();
    this.source.tell(this);
    this.json.endObject();
    const length = this.json.finish();
    if (length < 0) unreachable(); // the facts are few and short
    answer.givePage("application/json", length);
  }

  answerHtml(answer: Answer): void {
    this.html = answer;
    answer.beginPage();
    answer.text(
      '<!doctype html><html lang="en"><meta charset="utf-8"><title>Device status</title><h1>Device status</h1><table>',
    );
    this.source.tell(this);
    answer.text('</table><p><a href="/status.json">The same as JSON</a>, <a href="/kv/">what is kept</a></p></html>');
    answer.givePage("text/html; charset=utf-8");
  }

  bytes(name: string, ptr: usize, length: u32): void {
    const html = this.html;
    if (html) {
      this.beginRow(html, name);
      html.escaped(ptr, length);
      html.text("</bdi>");
    } else {
      this.json.key(name);
      this.json.string(ptr, length);
    }
  }

  word(name: string, word: string): void {
    const html = this.html;
    if (html) {
      this.beginRow(html, name);
      html.text(word);
      html.text("</bdi>");
    } else {
      this.json.key(name);
      this.json.text(word);
    }
  }

  number(name: string, value: i64): void {
    const html = this.html;
    if (html) {
      this.beginRow(html, name);
      html.number(<u64>value);
      html.text("</bdi>");
    } else {
      this.json.key(name);
      this.json.i64(value);
    }
  }

  private beginRow(html: Answer, name: string): void {
    html.text('<tr><th scope="row">');
    html.text(name);
    html.text("<td><bdi>");
  }
}
