// What AssemblyScript calls when an assertion of its library fails: the module traps, and the exokernel records it.

export function abort(_message: usize, _file: usize, _line: u32, _column: u32): void {
  unreachable();
}
