import { t } from "@lingui/core/macro";
import type { ReactNode } from "react";
import type { PagedList } from "../paged-list.ts";
import { type Column, DataTable } from "./data-table.tsx";
import { ProblemNotice } from "./problem-notice.tsx";

interface Props<T> {
  list: PagedList<T>;
  /** The thing in words, such as "the accounts". */
  what: string;
  caption: string;
  columns: Column<T>[];
  rowKey: (row: T) => string;
  /** In place of a table without rows. */
  empty: ReactNode;
}

/** A list that is read a page at a time: loading, what went wrong, none, or rows. */
export function PagedTable<T>({ list, what, caption, columns, rowKey, empty }: Props<T>): ReactNode {
  const { members, problem, more, reload } = list;
  return (
    <>
      {problem && <ProblemNotice problem={problem} lead={t`Could not load ${what}`} onRetry={() => void reload()} />}
      {members === undefined && !problem && (
        <p className="loading" role="status">
          {t`Loading ${what}…`}
        </p>
      )}
      {members !== undefined && members.length === 0 && <p className="muted">{empty}</p>}
      {members !== undefined && members.length > 0 && (
        <DataTable caption={caption} columns={columns} rows={members} rowKey={rowKey} onMore={more} />
      )}
    </>
  );
}
