// The address of a build without dhcp, in host order; build/features.ts writes what it is told. This is the one that
// QEMU's user network gives to the only guest.

export const ADDRESS: u32 = 0x0a00020f;
export const MASK: u32 = 0xffffff00;
export const ROUTER: u32 = 0x0a000202;
/** 0: there is none. */
export const NAME_SERVER: u32 = 0x0a000203;
