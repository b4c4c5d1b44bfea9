// The part of the exokernel's boundary that an app is granted.

export {
  appHealth,
  appMetric,
  clockUs,
  flashErase,
  flashGeometry,
  flashProgram,
  flashRead,
  Health,
  Zone,
} from "../exokernel";
