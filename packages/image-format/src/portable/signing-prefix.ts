// Constant first parts of every signing input (RFC 7797, section 3: BASE64URL(protected header) "." payload). The
// protected header is exactly {"alg":"Ed25519","b64":false,"crit":["b64"],"typ":T}; `typ` names the purpose, so that a
// signature made for one purpose is worthless for another. signing.test.ts derives each from its JSON.

export const PREFIX_IMAGE: string =
  "eyJhbGciOiJFZDI1NTE5IiwiYjY0IjpmYWxzZSwiY3JpdCI6WyJiNjQiXSwidHlwIjoiZmxpcHNpZGUtaW1hZ2UrandzIn0.";
export const PREFIX_TRUST: string =
  "eyJhbGciOiJFZDI1NTE5IiwiYjY0IjpmYWxzZSwiY3JpdCI6WyJiNjQiXSwidHlwIjoiZmxpcHNpZGUtdHJ1c3QrandzIn0.";
