// What the agent uses of packages/image-format besides format.ts, and the boot loader does not.

export * from "../../../packages/image-format/src/portable/agent-signing-prefix";
export * from "../../../packages/image-format/src/portable/channel-prefix";
export * from "../../../packages/image-format/src/portable/mac-labels";
