// Rows below their headings, each column as wide as its widest cell.

export function table(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [headings, ...rows];
  const widths = headings.map((_, column) => Math.max(...all.map((row) => row[column]!.length)));
  return all
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column]!))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

/** Names and what they are, one a line. */
export function pairs(entries: readonly (readonly [name: string, what: string])[]): string {
  const width = Math.max(...entries.map(([name]) => name.length));
  return entries.map(([name, what]) => `${name.padEnd(width)}  ${what}`).join("\n");
}
