// What this device has started from, to be signed beside each session's proof (docs/protocol.md, "Measurement"):
//
//   0 u8[32] SHA-256 of the boot loader's program and the first root keys behind it; zeros: the host does not show them
//   32 u8[32] of the trust chain   64 u8[32] digest of the image that the loader verified and started
//   96 u32 boot counter
//
// It is the image that measures and signs, and an image that lies has the device key as well: this binds what is said
// to the device's key and to the server's nonce, so that nobody in between changes it.

import { BootState } from "../boot-state";
import { sha256, SHA256_CONTEXT_BYTES, sha256Final, sha256Init, sha256Update } from "../crypto";
import { loaderRead, rootKeys } from "../exokernel";
import { DIGEST_BYTES, MEASUREMENT_BYTES } from "../format";
import { TrustChain } from "../trust/trust-chain";

const PIECE_BYTES: u32 = 1024;
const TRUST: usize = 32;
const IMAGE: usize = 64;
const BOOT_COUNTER: usize = 96;

const context: usize = memory.data(<i32>SHA256_CONTEXT_BYTES, 8);
const piece: usize = memory.data(1024, 4);

export class Measurement {
  /** MEASUREMENT_BYTES, once taken. */
  readonly bytes: usize = memory.data(MEASUREMENT_BYTES, 4);
  private hasLoader: bool = false;

  constructor(
    private boot: BootState,
    private trust: TrustChain,
  ) {}

  /** Of now; the loader can't change, and is measured once. */
  take(): void {
    const bytes = this.bytes;
    if (!this.hasLoader) measureLoader(bytes);
    this.hasLoader = true;
    sha256(this.trust.bytes.dataStart, this.trust.chainBytes, bytes + TRUST);
    memory.copy(bytes + IMAGE, this.boot.running.digest.dataStart, DIGEST_BYTES);
    store<u32>(bytes + BOOT_COUNTER, this.boot.bootCounter);
  }
}

function measureLoader(out: usize): void {
  sha256Init(context);
  let offset: u32 = 0;
  while (true) {
    const read = loaderRead(offset, piece, PIECE_BYTES);
    if (read < 0) return;
    if (read == 0) break;
    sha256Update(context, piece, read);
    offset += read;
  }
  const keys = rootKeys(piece, PIECE_BYTES);
  if (keys > 0) sha256Update(context, piece, DIGEST_BYTES * keys);
  sha256Final(context, out);
}
