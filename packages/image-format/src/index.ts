// @flipside/image-format: the bytes that device, server, console and build agree on.

export * from "./portable/boot-control-record.ts";
export * from "./portable/command.ts";
export * from "./portable/deployment-state.ts";
export * from "./portable/error-codes.ts";
export * from "./portable/image-header.ts";
export * from "./portable/permit.ts";
export * from "./portable/protocol-constants.ts";
export * from "./portable/recovery-protocol.ts";
export * from "./portable/signature-block.ts";
export * from "./portable/slot-layout.ts";
export * from "./portable/trust-record.ts";
export * from "./portable/factory-record.ts";
export * from "./command-file.ts";
export * from "./factory-file.ts";
export * from "./format-error.ts";
export * from "./slot-file.ts";
export * from "./image-file.ts";
export * from "./keys.ts";
export * from "./permit-file.ts";
export * from "./release-file.ts";
export * from "./signing.ts";
export * from "./state-names.ts";
export * from "./strict-verifier.ts";
export * from "./trust-file.ts";
export * from "./verify-image.ts";
export * from "./verify-trust.ts";
