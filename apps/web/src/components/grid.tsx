// A table of any number of rows, of which those alone are drawn that are seen: rows of 36 pixels, on a narrow screen
// cards. It scrolls with the page. By keyboard: arrows, Page Up and Down, Home and End go from row to row, Space
// selects, Shift with an arrow selects on, Ctrl+A all that are loaded, Enter opens. The grid keeps the focus, and names
// the row that is meant: rows come and go as it scrolls.

import { t } from "@lingui/core/macro";
import { type KeyboardEvent, type ReactNode, useId, useLayoutEffect, useRef, useState } from "react";
import { useWindowVirtualizer, type VirtualItem } from "@tanstack/react-virtual";
import { extended, isSelected, ofLoaded, type Selection, toggled } from "../selection.ts";
import { useNarrow } from "../narrow.ts";
import { Icon } from "./icon.tsx";

export interface GridColumn<T> {
  id: string;
  head: string;
  /** In the heading, in place of its text. */
  headShown?: ReactNode;
  cell: (row: T) => ReactNode;
  /** The cell that names the row: its card's title. */
  isName?: boolean;
  /** What the list is sorted by when its heading is pressed. */
  sort?: string;
  /** Of the grid's columns, in CSS. */
  track: string;
}

interface Props<T> {
  label: string;
  columns: readonly GridColumn<T>[];
  rows: readonly T[];
  rowKey: (row: T) => string;
  /** Of all rows, where that is known. */
  total: number | undefined;
  /** There are more, elsewhere: they are asked for before somebody comes to the end. */
  onMore: (() => void) | undefined;
  /** A minus before it: the other way round. */
  sort: string;
  onSort: (sort: string) => void;
  selection: Selection;
  onSelect: (selection: Selection) => void;
  onOpen: (row: T) => void;
}

const rowPixels = 36;
/** Before it is measured. */
const cardPixels = 210;
/** So many rows before the end more are asked for. */
const askedAhead = 60;

export function Grid<T>(props: Props<T>): ReactNode {
  const { label, columns, rows, rowKey, total, onMore, selection, onSelect, onOpen } = props;
  const id = useId();
  const narrow = useNarrow();
  const body = useRef<HTMLTableSectionElement>(null);
  const [active, setActive] = useState(0);
  const keys = rows.map(rowKey);
  const virtualizer = useRows(rows.length, (index) => keys[index]!, narrow, body);
  const items = virtualizer.getVirtualItems();
  const last = items.at(-1)?.index ?? 0;
  useLayoutEffect(() => {
    // Also when what came was none that is meant: then it goes on behind that.
    if (onMore !== undefined && last >= rows.length - askedAhead) onMore();
  }, [last, rows, onMore]);

  const goTo = (index: number): void => {
    const wanted = Math.max(0, Math.min(rows.length - 1, index));
    setActive(wanted);
    virtualizer.scrollToIndex(wanted);
  };
  const select = (index: number, isRange: boolean): void =>
    onSelect((isRange ? extended : toggled)(selection, keys[index]!, keys));
  const at = Math.min(active, rows.length - 1);
  const onKey = (event: KeyboardEvent): void => {
    // Of what stands in a row, keys are its own.
    if (event.target !== event.currentTarget || rows.length === 0) return;
    const screen = Math.max(1, Math.floor(window.innerHeight / rowPixels) - 4);
    const steps: Record<string, number> = { ArrowDown: 1, ArrowUp: -1, PageDown: screen, PageUp: -screen };
    const step = steps[event.key];
    if (step !== undefined) {
      const wanted = Math.max(0, Math.min(rows.length - 1, at + step));
      if (event.shiftKey) onSelect(extended(withAnchor(selection, keys[at]!), keys[wanted]!, keys));
      goTo(wanted);
    } else if (event.key === "Home") goTo(0);
    else if (event.key === "End") goTo(rows.length - 1);
    else if (event.key === " ") select(at, event.shiftKey);
    else if (event.key === "a" && (event.ctrlKey || event.metaKey)) onSelect(ofLoaded(keys));
    else if (event.key === "Enter") onOpen(rows[at]!);
    else return;
    event.preventDefault();
  };

  const isWide = useIsWide(body, columns);
  const tracks = `2.5rem ${columns.map(({ track }) => track).join(" ")}`;
  return (
    <div className={`grid-scroll ${narrow ? "is-cards" : isWide ? "is-wide" : ""}`}>
      <table
        className="grid"
        role="grid"
        aria-label={label}
        aria-rowcount={total === undefined ? -1 : total + 1}
        aria-colcount={columns.length + 1}
        aria-multiselectable="true"
        {...(items.some(({ index }) => index === at) ? { "aria-activedescendant": `${id}-${at}` } : {})}
        tabIndex={0}
        onKeyDown={onKey}
        style={narrow ? undefined : ({ "--tracks": tracks } as React.CSSProperties)}
      >
        <Heads {...props} keys={keys} />
        <tbody ref={body} role="rowgroup" className="grid-body" style={{ height: `${virtualizer.getTotalSize()}px` }}>
          {items.map((item) => (
            <GridRow
              key={item.key}
              item={item}
              offset={virtualizer.options.scrollMargin}
              measure={narrow ? virtualizer.measureElement : undefined}
              row={rows[item.index]!}
              name={keys[item.index]!}
              columns={columns}
              id={`${id}-${item.index}`}
              isActive={item.index === at}
              isChosen={isSelected(selection, keys[item.index]!)}
              onPress={() => setActive(item.index)}
              onChoose={(isRange) => select(item.index, isRange)}
            />
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** Whether the columns are wider than the page: then the table scrolls by itself, and its heads do not stay. */
function useIsWide(
  body: React.RefObject<HTMLTableSectionElement | null>,
  columns: readonly Pick<GridColumn<unknown>, "track">[],
): boolean {
  const [roomRem, setRoomRem] = useState(Number.POSITIVE_INFINITY);
  useLayoutEffect(() => {
    const scroll = body.current?.closest(".grid-scroll");
    if (scroll == null) return;
    const rootPixels = Number.parseFloat(getComputedStyle(document.documentElement).fontSize);
    const observer = new ResizeObserver(() => setRoomRem(scroll.clientWidth / rootPixels));
    observer.observe(scroll);
    return () => observer.disconnect();
  }, [body]);
  const leastRem = columns.reduce((sum, { track }) => sum + Number.parseFloat(/[\d.]+/.exec(track)?.[0] ?? "0"), 2.5);
  return leastRem > roomRem;
}

const withAnchor = (selection: Selection, key: string): Selection =>
  selection.anchor === undefined ? { ...selection, anchor: key } : selection;

function useRows(
  count: number,
  keyOf: (index: number) => string,
  narrow: boolean,
  body: React.RefObject<HTMLTableSectionElement | null>,
) {
  const [scrollMargin, setScrollMargin] = useState(0);
  // What stands above it comes and goes.
  useLayoutEffect(() => {
    const look = (): void => {
      if (body.current !== null) setScrollMargin(body.current.getBoundingClientRect().top + window.scrollY);
    };
    look();
    const observer = new ResizeObserver(look);
    observer.observe(document.body);
    return () => observer.disconnect();
  }, [body]);
  return useWindowVirtualizer({
    count,
    estimateSize: () => (narrow ? cardPixels : rowPixels),
    getItemKey: keyOf,
    overscan: 10,
    scrollMargin,
    gap: narrow ? 12 : 0,
    // The heads stay above the rows.
    scrollPaddingStart: narrow ? 0 : rowPixels,
    useFlushSync: false,
  });
}

function Heads<T>({
  columns,
  sort,
  onSort,
  selection,
  onSelect,
  keys,
}: Props<T> & { keys: readonly string[] }): ReactNode {
  const allChosen = keys.length > 0 && keys.every((key) => isSelected(selection, key));
  return (
    <thead role="rowgroup" className="grid-heads">
      <tr role="row" aria-rowindex={1} className="grid-row">
        <th role="columnheader" scope="col" aria-colindex={1} className="grid-check">
          <input
            type="checkbox"
            aria-label={t`Select all that are loaded`}
            checked={allChosen}
            onChange={() => onSelect(allChosen ? { all: false, keys: new Set(), anchor: undefined } : ofLoaded(keys))}
          />
        </th>
        {columns.map((column, i) => (
          <Head key={column.id} {...{ column, sort, onSort }} index={i + 2} />
        ))}
      </tr>
    </thead>
  );
}

function Head<T>({
  column: { head, headShown, sort: key },
  sort,
  onSort,
  index,
}: {
  column: GridColumn<T>;
  sort: string;
  onSort: (sort: string) => void;
  index: number;
}): ReactNode {
  const direction =
    key === undefined ? undefined : sort === key ? "ascending" : sort === `-${key}` ? "descending" : "none";
  return (
    <th role="columnheader" scope="col" aria-colindex={index} {...(direction ? { "aria-sort": direction } : {})}>
      {key === undefined ? (
        (headShown ?? head)
      ) : (
        <>
          <button
            type="button"
            className={`grid-sort ${direction}`}
            onClick={() => onSort(direction === "ascending" ? `-${key}` : key)}
          >
            {head}
            <Icon name="chevron" />
          </button>
          {headShown}
        </>
      )}
    </th>
  );
}

interface RowProps<T> {
  id: string;
  item: VirtualItem;
  offset: number;
  measure: ((element: HTMLElement | null) => void) | undefined;
  row: T;
  name: string;
  columns: readonly GridColumn<T>[];
  isActive: boolean;
  isChosen: boolean;
  onPress: () => void;
  onChoose: (isRange: boolean) => void;
}

function GridRow<T>(props: RowProps<T>): ReactNode {
  const { item, offset, measure, row, name, columns, isActive, isChosen, onPress, onChoose } = props;
  return (
    <tr
      ref={measure}
      id={props.id}
      data-index={item.index}
      role="row"
      aria-rowindex={item.index + 2}
      aria-selected={isChosen}
      className={`grid-row ${isChosen ? "is-chosen" : ""} ${isActive ? "is-active" : ""}`}
      style={{ transform: `translateY(${item.start - offset}px)` }}
      onPointerDown={onPress}
    >
      <td role="gridcell" aria-colindex={1} className="grid-check">
        <input
          type="checkbox"
          aria-label={t`Select ${name}`}
          checked={isChosen}
          onChange={() => {}}
          onClick={(event) => onChoose(event.shiftKey)}
        />
      </td>
      {columns.map((column, i) =>
        column.isName ? (
          <th key={column.id} role="rowheader" scope="row" aria-colindex={i + 2} className="grid-name">
            {column.cell(row)}
          </th>
        ) : (
          <td key={column.id} role="gridcell" aria-colindex={i + 2} data-label={column.head}>
            {column.cell(row)}
          </td>
        ),
      )}
    </tr>
  );
}
