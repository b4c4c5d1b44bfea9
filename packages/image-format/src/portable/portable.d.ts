// Integer names of the portable dialect, as tsc sees them. AssemblyScript brings its own; files under portable/ use
// only what means the same in both: results of bit operations on u32 end in `>>> 0`, and nothing wraps silently.
declare type i32 = number;
declare type u32 = number;
declare type u16 = number;
declare type u8 = number;
declare type bool = boolean;
