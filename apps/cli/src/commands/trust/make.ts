// `flipside trust make` (docs/image-format.md, "Trust chain")

import { handingOn } from "../../command-line/command.ts";

const changes = [
  "show",
  "add-release",
  "revoke-release",
  "add-operations",
  "revoke-operations",
  "release-threshold",
  "replace-roots",
  "sign",
];

export const makeTrust = handingOn({
  name: "trust make",
  summary: "Make the next trust record: keys added and revoked, roots replaced",
  about:
    "The chain as it is and one link more, signed by roots of the last link; nothing leaves this machine. `flipside trust push` uploads it.",
  arguments: [
    { name: "CHANGE", what: changes.join(", "), oneOf: changes },
    { name: "ID", what: "of the key to revoke", optional: true },
  ],
  options: {
    keys: { value: "FOLDER", what: "the project's keys (var/keys)" },
    chain: { value: "FILE", what: "the chain to go on from (KEYS/trust-chain.bin)" },
    sign: { value: "FILE", what: "private JWK of a root that signs (all roots in KEYS)", many: true },
    public: { value: "FILE", what: "JWK of the key to add, made elsewhere (a new one is made in KEYS)" },
    root: { value: "FILE", what: "JWK of a new root (one is made in KEYS)", many: true },
    threshold: {
      value: "N",
      what: "how many of the new roots must sign the record after (a majority); of release keys, an image",
    },
    "last-link": { what: "make the sixteenth link although no key can be changed after it" },
    out: {
      value: "FILE",
      what: "where to write it (KEYS/trust-chain.bin, or trust-chain.unfinished while signatures lack)",
    },
  },
  examples: ["flipside trust make add-release", "flipside trust make revoke-release 1f2e3d4c5b6a7988"],
  handsOn: async (argv) => (await import("../../../../agent/build/trust-main.ts")).makeTrust(argv),
});
