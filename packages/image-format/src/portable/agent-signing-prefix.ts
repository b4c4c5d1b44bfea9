// The constant first parts (signing-prefix.ts) of what the boot loader has nothing to do with: a text that is in a file
// which it imports is in its binary, used or not.

export const PREFIX_COMMAND: string =
  "eyJhbGciOiJFZDI1NTE5IiwiYjY0IjpmYWxzZSwiY3JpdCI6WyJiNjQiXSwidHlwIjoiZmxpcHNpZGUtY29tbWFuZCtqd3MifQ.";
export const PREFIX_PERMIT: string =
  "eyJhbGciOiJFZDI1NTE5IiwiYjY0IjpmYWxzZSwiY3JpdCI6WyJiNjQiXSwidHlwIjoiZmxpcHNpZGUtcGVybWl0K2p3cyJ9.";
export const PREFIX_SESSION: string =
  "eyJhbGciOiJFZDI1NTE5IiwiYjY0IjpmYWxzZSwiY3JpdCI6WyJiNjQiXSwidHlwIjoiZmxpcHNpZGUtc2Vzc2lvbitqd3MifQ.";
export const PREFIX_STATE: string =
  "eyJhbGciOiJFZDI1NTE5IiwiYjY0IjpmYWxzZSwiY3JpdCI6WyJiNjQiXSwidHlwIjoiZmxpcHNpZGUtc3RhdGUrandzIn0.";
export const PREFIX_MEASURED: string =
  "eyJhbGciOiJFZDI1NTE5IiwiYjY0IjpmYWxzZSwiY3JpdCI6WyJiNjQiXSwidHlwIjoiZmxpcHNpZGUtbWVhc3VyZWQrandzIn0.";
