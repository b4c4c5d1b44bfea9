// `flipside recover` (docs/boot-control.md, "Recovery")

import { handingOn } from "../command-line/command.ts";

export const recover = handingOn({
  name: "recover",
  summary: "Bring an image to a device in recovery, over its serial line",
  about: "The device says on its console when it is: recovery: code …. It checks the image as any other.",
  arguments: [{ name: "FILE", what: "a release, of which the device's image is taken, or an image" }],
  options: {
    serial: { value: "PATH", what: "serial port, such as /dev/ttyUSB0" },
    baud: { value: "N", what: "its speed (115200)" },
    "qemu-socket": { value: "PATH", what: "Unix socket of a unikernel in QEMU" },
    wait: { value: "SECONDS", what: "give up when the device has not answered for so long (60)" },
  },
  examples: ["flipside recover --serial /dev/ttyUSB0 my-app-2.0.0.release"],
  handsOn: async (argv) => (await import("@flipside/machine/serial/recover-main")).recover(argv),
});
