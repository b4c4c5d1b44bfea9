// What a column holds, and what each dialect calls it. Times are milliseconds since 1970; every number is an integer of
// 64 bits but those that say `real`; text is ordered by its bytes, so that lists are in the same order everywhere.

export interface ColumnTypes {
  text: string;
  integer: string;
  milliseconds: string;
  real: string;
  bytes: string;
  boolean: string;
  /** Numbers rows in the order in which they are inserted; a number is never given twice. */
  rowNumber: string;
  /** After the table's closing bracket. */
  tableEnd: string;
}

/** Columns of booleans: the dialects that have no such type store 0 and 1. */
export const booleanColumns = ["mustChangePassword", "allowOlder", "urgent"] as const;
