// Status codes (RFC 9110 §15, RFC 6585) that are said here, their phrases, and what a refusal tells whoever asked.

export namespace Status {
  export const Ok: u32 = 200;
  export const Created: u32 = 201;
  export const NoContent: u32 = 204;
  export const BadRequest: u32 = 400;
  export const NotFound: u32 = 404;
  export const MethodNotAllowed: u32 = 405;
  export const RequestTimeout: u32 = 408;
  export const LengthRequired: u32 = 411;
  export const ContentTooLarge: u32 = 413;
  export const UriTooLong: u32 = 414;
  export const ExpectationFailed: u32 = 417;
  export const Misdirected: u32 = 421;
  export const FieldsTooLarge: u32 = 431;
  export const NotImplemented: u32 = 501;
  export const VersionNotSupported: u32 = 505;
  export const InsufficientStorage: u32 = 507;
}

export function phraseOf(status: u32): string {
  if (status == Status.Ok) return "OK";
  if (status == Status.Created) return "Created";
  if (status == Status.NoContent) return "No Content";
  if (status == Status.NotFound) return "Not Found";
  if (status == Status.MethodNotAllowed) return "Method Not Allowed";
  if (status == Status.RequestTimeout) return "Request Timeout";
  if (status == Status.LengthRequired) return "Length Required";
  if (status == Status.ContentTooLarge) return "Content Too Large";
  if (status == Status.UriTooLong) return "URI Too Long";
  if (status == Status.ExpectationFailed) return "Expectation Failed";
  if (status == Status.Misdirected) return "Misdirected Request";
  if (status == Status.FieldsTooLarge) return "Request Header Fields Too Large";
  if (status == Status.NotImplemented) return "Not Implemented";
  if (status == Status.VersionNotSupported) return "HTTP Version Not Supported";
  return status == Status.InsufficientStorage ? "Insufficient Storage" : "Bad Request";
}

/** What is wrong, and what to do. */
export function adviceFor(status: u32): string {
  if (status == Status.NotFound)
    return "Nothing is here. / and /status.json tell of the device, /kv/ lists what is kept.";
  if (status == Status.MethodNotAllowed) return "Not by this method; the Allow field names those that there are.";
  if (status == Status.RequestTimeout) return "The request did not come whole in time. Send it again.";
  if (status == Status.LengthRequired) return "Say with Content-Length how many bytes the value has.";
  if (status == Status.ContentTooLarge) return "The value is too large; /kv/ tells how many bytes one may have.";
  if (status == Status.UriTooLong) return "The request line is too long: at most 320 bytes.";
  if (status == Status.ExpectationFailed) return "Of expectations only 100-continue is known.";
  if (status == Status.Misdirected) return "Ask by the device's address, not by a name.";
  if (status == Status.FieldsTooLarge) return "The head is too long: at most 32 fields, 1024 bytes in all.";
  if (status == Status.NotImplemented)
    return "This method, or a transfer coding, is not known here. Send a Content-Length.";
  if (status == Status.VersionNotSupported) return "HTTP/1.1 is spoken here.";
  if (status == Status.InsufficientStorage) return "No place is left. Delete a key first.";
  return "The request is not well formed (RFC 9112).";
}
