// The shared formats and primitives, under one roof: what boot loader and agent use of packages/image-format.

export * from "../../../packages/image-format/src/portable/boot-control-record";
export * from "../../../packages/image-format/src/portable/boot-control-transitions";
export * from "../../../packages/image-format/src/portable/command";
export * from "../../../packages/image-format/src/portable/deployment-state";
export * from "../../../packages/image-format/src/portable/error-codes";
export * from "../../../packages/image-format/src/portable/factory-record";
export * from "../../../packages/image-format/src/portable/image-header";
export * from "../../../packages/image-format/src/portable/permit";
export * from "../../../packages/image-format/src/portable/protocol-constants";
export * from "../../../packages/image-format/src/portable/recovery-protocol";
export * from "../../../packages/image-format/src/portable/release-state";
export * from "../../../packages/image-format/src/portable/signature-block";
export * from "../../../packages/image-format/src/portable/signing-prefix";
export * from "../../../packages/image-format/src/portable/slot-layout";
export * from "../../../packages/image-format/src/portable/trust-record";
