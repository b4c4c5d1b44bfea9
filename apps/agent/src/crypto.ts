// The device's cryptography: one AssemblyScript source with the verifier that server and browser use.

export * from "../../../packages/image-format/assembly/index";
