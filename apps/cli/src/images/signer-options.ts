// The options by which the command line says who signs.

export const signerOptions = {
  key: { value: "FILE", what: "a release key that signs: private JWK, or PEM (PKCS #8)", many: true },
  "key-env": { value: "NAME", what: "an environment variable that holds such a key, as pipelines keep secrets" },
  pkcs11: { value: "URI", what: "a key in a token (RFC 7512): token, id, module-path and pin-source=file:PATH" },
  "public-key": { value: "FILE", what: "the public half of the token's key: JWK or PEM" },
  keys: { value: "FOLDER", what: "the project's keys, of which the newest release key signs otherwise (var/keys)" },
} as const;
