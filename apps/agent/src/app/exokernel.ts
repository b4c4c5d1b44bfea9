// The part of the exokernel's boundary that an app is granted.

export {
  appHealth,
  appIdentifying,
  appMetric,
  clockUs,
  configurationJudge,
  configurationRead,
  Errno,
  flashErase,
  flashGeometry,
  flashProgram,
  flashRead,
  Health,
  Zone,
} from "../exokernel";
