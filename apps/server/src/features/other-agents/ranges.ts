// Which part of a file is asked for (RFC 9110, sections 13.1.5 and 14). One range: who asks for several is given all of
// it, which a server may do.

/** Both ends are in it. */
export interface Span {
  first: number;
  last: number;
}

export type Asked = { kind: "whole" } | { kind: "part"; span: Span } | { kind: "unsatisfiable" };

const whole: Asked = { kind: "whole" };

/** `size` is above 0. A header that can't be read is no header (14.2). */
export function rangeIn(header: string | undefined, size: number): Asked {
  const [, from, to] = /^bytes=[ \t]*(\d*)-(\d*)[ \t]*$/i.exec(header ?? "") ?? [];
  if (from === undefined || to === undefined || (from === "" && to === "")) return whole;
  if (from === "") {
    const suffix = Number(to);
    if (suffix === 0) return { kind: "unsatisfiable" };
    return { kind: "part", span: { first: Math.max(0, size - suffix), last: size - 1 } };
  }
  const [first, last] = [Number(from), to === "" ? Infinity : Number(to)];
  if (last < first) return whole;
  if (first >= size) return { kind: "unsatisfiable" };
  return { kind: "part", span: { first, last: Math.min(last, size - 1) } };
}

/** Whether a range still counts, by `If-Range`: there are no dates here, and a weak tag never does. */
export const isSameContent = (ifRange: string | undefined, etag: string): boolean =>
  ifRange === undefined || ifRange.trim() === etag;
