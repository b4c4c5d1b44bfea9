// The number that images name as the lowest they need. It is the loader's alone: an agent takes it from the boot
// information, since the loader that runs is the one the factory wrote, however new the agent is.

export const LOADER_VERSION: u32 = 1;
