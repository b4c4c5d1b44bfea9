import { describe, expect, it } from "vitest";
import { hasCommand } from "../../apps/agent/build/run-tool.ts";
import { runStory } from "./story.ts";

const hasQemu = hasCommand("qemu-system-riscv32");

describe("the whole story", () => {
  it.skipIf(!hasQemu)(
    "ends with every device confirmed, every hostile image refused, every faulty one rolled back, and no device bricked by 30 power cuts, all of it over TLS",
    { timeout: 900_000 },
    async () => {
      const summary = await runStory({ virtualDevices: 24, say: (text) => console.log(text) });
      expect(summary.error).toBeUndefined();
      expect(summary).toMatchObject({ ok: true, devices: 25, confirmed: 25, rolledBack: 4, powerCuts: 30, bricked: 0 });
      expect(summary.refused).toEqual({
        "signature-mismatch": 2,
        "chunk-table-mismatch": 2,
        "chunk-mismatch": 2,
        "signature-unknown-key": 2,
        "signature-not-canonical": 2,
        "signature-small-order": 2,
        "hardware-mismatch": 2,
        "security-counter-too-low": 2,
        "release-sequence-too-low": 2,
        "header-unknown-critical-field": 2,
        "image-too-large": 2,
        "image-truncated": 2,
        "image-trailing-bytes": 2,
      });
    },
  );
  if (!hasQemu) console.warn("skipped: the story needs qemu-system-riscv32 (apt-get install -y qemu-system-misc)");
});
