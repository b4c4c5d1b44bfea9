// A table that turns into a list of cards on a narrow screen. The roles are spelled out because `display: block` would
// take the table's meaning from assistive technology.

import { t } from "@lingui/core/macro";
import { Trans } from "@lingui/react/macro";
import type { ReactNode } from "react";
import { useKept } from "../places.ts";
import { count } from "../words/quantities.ts";

export interface Column<T> {
  head: string;
  cell: (row: T) => ReactNode;
  /** The cell that names the row: its card's title. */
  isName?: boolean;
  /** Leave the heading out of the card, because the cell says what it is. */
  bareOnCard?: boolean;
  className?: string;
}

interface Props<T> {
  caption: string;
  columns: Column<T>[];
  rows: readonly T[];
  rowKey: (row: T) => string;
  /** There are more rows than these, elsewhere: they are asked for when somebody wants to see them. */
  onMore?: (() => void) | undefined;
}

const rowsAtOnce = 100;

export function DataTable<T>({ caption, columns, rows, rowKey, onMore }: Props<T>): ReactNode {
  const [limit, setLimit] = useKept(`rows of ${caption}`, rowsAtOnce);
  const [some, all] = [count(limit), count(rows.length)];
  const more = count(Math.min(rowsAtOnce, rows.length - limit));
  const shown = rows.length > limit ? rows.slice(0, limit) : rows;
  return (
    <>
      <table className="data" role="table">
        <caption className="visually-hidden">{caption}</caption>
        <thead role="rowgroup">
          <tr role="row">
            {columns.map((column) => (
              <th key={column.head} role="columnheader" scope="col" className={column.className}>
                {column.head}
              </th>
            ))}
          </tr>
        </thead>
        <tbody role="rowgroup">
          {shown.map((row) => (
            <tr key={rowKey(row)} role="row">
              {columns.map((column) =>
                column.isName ? (
                  <th key={column.head} role="rowheader" scope="row" className={column.className}>
                    {column.cell(row)}
                  </th>
                ) : (
                  <td
                    key={column.head}
                    role="cell"
                    data-label={column.bareOnCard ? undefined : column.head}
                    className={column.className}
                  >
                    {column.cell(row)}
                  </td>
                ),
              )}
            </tr>
          ))}
        </tbody>
      </table>
      {rows.length <= limit && onMore && (
        <p className="more">
          <span className="muted">{t`Showing the first ${all}.`}</span>{" "}
          <button
            type="button"
            className="button small"
            onClick={() => {
              setLimit(limit + rowsAtOnce);
              onMore();
            }}
          >
            <Trans>Show more</Trans>
          </button>
        </p>
      )}
      {rows.length > limit && (
        <p className="more">
          <span className="muted">{t`Showing ${some} of ${all}.`}</span>{" "}
          <button type="button" className="button small" onClick={() => setLimit(limit + rowsAtOnce)}>
            {t`Show ${more} more`}
          </button>
        </p>
      )}
    </>
  );
}
