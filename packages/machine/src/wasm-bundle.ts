// The payload of a virtual device: both modules in one file.
//   0 u8[4] "FSWB"   4 u32 agent bytes   8 u32 app bytes   12 u32 zero   16 agent.wasm, then app.wasm

export const BUNDLE_MAGIC = 0x42575346;
const PREFIX_BYTES = 16;

export function buildBundle(agent: Uint8Array, app: Uint8Array): Uint8Array {
  const bundle = new Uint8Array(PREFIX_BYTES + agent.length + app.length);
  const view = new DataView(bundle.buffer);
  view.setUint32(0, BUNDLE_MAGIC, true);
  view.setUint32(4, agent.length, true);
  view.setUint32(8, app.length, true);
  bundle.set(agent, PREFIX_BYTES);
  bundle.set(app, PREFIX_BYTES + agent.length);
  return bundle;
}

/** Views of both modules, or undefined when the bytes are no bundle. */
export function splitBundle(bytes: Uint8Array): { agent: Uint8Array; app: Uint8Array } | undefined {
  if (bytes.length < PREFIX_BYTES) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const agentBytes = view.getUint32(4, true);
  const appBytes = view.getUint32(8, true);
  if (view.getUint32(0, true) !== BUNDLE_MAGIC || PREFIX_BYTES + agentBytes + appBytes > bytes.length) return undefined;
  return {
    agent: bytes.subarray(PREFIX_BYTES, PREFIX_BYTES + agentBytes),
    app: bytes.subarray(PREFIX_BYTES + agentBytes, PREFIX_BYTES + agentBytes + appBytes),
  };
}
