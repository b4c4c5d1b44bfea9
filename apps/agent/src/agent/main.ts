export { abort } from "../abort";
import { say, endLine } from "../console";
import { watchdogPet } from "../exokernel";
let n: u32 = 0;
export function start(): void { say("agent up"); endLine(); }
export function step(): u32 { watchdogPet(); if (n++ % 10 == 0) { say("step"); endLine(); } return 100_000; }
