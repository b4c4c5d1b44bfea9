// Console bytes, which may be anything, as text of a message: printable ASCII and line feeds.

const LINE_FEED: u32 = 0x0a;

/** What is neither printable ASCII nor a line feed becomes `?`, in place. */
export function makePrintable(ptr: usize, length: u32): void {
  for (let at = ptr; at < ptr + length; at++) {
    const char: u32 = load<u8>(at);
    if (char != LINE_FEED && (char < 0x20 || char > 0x7e)) store<u8>(at, 0x3f);
  }
}

/** Bytes that a character of such a text takes in a JSON string, as json/writer.ts writes it. */
export function jsonBytesOf(char: u32): u32 {
  if (char == LINE_FEED) return 6;
  return char == 0x22 || char == 0x5c ? 2 : 1;
}
