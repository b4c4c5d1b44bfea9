// Test module: the example app's configuration, with what it goes by.

import * as configuration from "../../../src/app/configuration";

export function takeConfiguration(): void {
  configuration.takeConfiguration();
}
export function lowestMilliC(): i32 {
  return configuration.lowestMilliC;
}
export function highestMilliC(): i32 {
  return configuration.highestMilliC;
}
export function reportEverySeconds(): i32 {
  return configuration.reportEverySeconds;
}

export function trap(message: usize, file: usize, line: u32, column: u32): void {
  unreachable();
}
