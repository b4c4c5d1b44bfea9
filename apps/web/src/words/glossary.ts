// Terms of art, each explained in a sentence or two to somebody who meets it for the first time.

export const glossary = {
  attribute: "What a device says of itself under a name of its own, such as its site. Operators’ own words are tags.",
  "boot counter": "How often the device has started. It only grows, and orders what the device says.",
  "boot loader":
    "The small program that the device starts with. It checks the image before it runs, and chooses the slot.",
  canary: "One of the few devices that get a new version first, so that a fault is found there and not everywhere.",
  chunk:
    "A piece of an image, 4 KiB. Each is checked before it is written, so a broken download goes on where it stopped.",
  claim: "What lets a device join: its id and a secret from the factory, which it proves once and never sends.",
  command: "One thing that a device is told to do, signed by the operations key and good for a short time.",
  configuration:
    "What an operator wants the device’s app to go by. It is sent until the device says that it is in force, or why not.",
  confirmed: "The image has started, is healthy and has reached this server. From then on the device stays with it.",
  deployment: "One device’s part in a rollout: from waiting in its wave to confirmed, or to what went wrong.",
  filter: "A line that says which devices are meant, such as tag = canary and not online.",
  gate: "What has to hold before the next wave begins: enough successes, time to watch, somebody’s approval.",
  group:
    "A list of devices that is kept under a name: its filter, order and columns. Who is in it is found anew each time.",
  health: "What the device’s app last said of itself: that it works, or that it does not.",
  permit: "A signed permission to install an older image once more. Without it a device refuses to go back a release.",
  randomness: "Whether the device’s noise source passes its checks. Keys that it makes are worth no more than that.",
  release: "A version of the software, with an image for each kind of hardware.",
  "release sequence": "A number that grows with each release. A device installs a lower one only with a permit.",
  revoke: "The server refuses the device from then on. What it runs goes on running; it gets no more updates.",
  rollout: "Brings a release to devices, wave after wave, as long as its rules hold.",
  "security floor":
    "The lowest security number that the device still starts. It only rises, so that a hole that was closed stays closed.",
  session: "A connection in which the device has proved who it is. What comes without proof is not believed.",
  slot: "One of two places for an image. One runs; an update is written to the other, so that there is always a way back.",
  tag: "A word that operators file a device under, such as canary or site:berlin.",
  trial:
    "The first run of a new image. If it crashes, hangs or is not healthy in time, the device goes back by itself.",
  "trust record":
    "Which keys the device believes, signed by the keys before them. It reaches back to the one from the factory.",
  wave: "A part of a rollout’s devices that goes at a time: a few first, more when those did well.",
  watchdog: "A timer that starts the device anew when its software hangs.",
} as const;

export type GlossaryTerm = keyof typeof glossary;
