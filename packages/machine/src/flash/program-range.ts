// The header's rule for what one exo_flash_program may change: aligned to 4, not nothing, in one page.

export function isProgramRange(offset: number, length: number, pageBytes: number): boolean {
  const isAligned = ((offset | length) & 3) === 0;
  return isAligned && length > 0 && length <= pageBytes && (offset & (pageBytes - 1)) <= pageBytes - length;
}
