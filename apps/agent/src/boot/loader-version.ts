// The number that images name as the lowest they need. It is the loader's alone: an agent takes it from the boot
// information, since the loader that runs is the one the factory wrote, however new the agent is.
//
//   2  counts the release keys that have signed an image (the trust record may want several), and starts an image of
//      its machine's type alone

export const LOADER_VERSION: u32 = 2;
