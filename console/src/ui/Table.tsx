import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import type { ApiError } from "../api/client";
import { useResource } from "../api/resource";
import { Button } from "./Button";
import { ErrorNote } from "./ErrorNote";

export interface Column<T> {
  title: string;
  cell: (row: T) => ComponentChildren;
  /** The name by which the server sorts. */
  sort?: string;
  /** Left out where there is little room. */
  minor?: boolean;
  align?: "end";
}

interface Props<T> {
  label: string;
  columns: Column<T>[];
  rows: T[] | undefined;
  rowKey: (row: T) => string;
  /** `name` or `-name`. */
  sort?: string;
  onSort?: (sort: string) => void;
  empty?: ComponentChildren;
  /** Rows to leave room for while the first answer is on its way. */
  expect?: number;
}

/** A table whose rows the server pages and sorts. j and k move through the rows by the link in their first cell. */
export function Table<T>({ label, columns, rows, rowKey, sort, onSort, empty, expect = 6 }: Props<T>) {
  if (rows?.length === 0 && empty) return <>{empty}</>;
  return (
    <div class="table" role="region" aria-label={label} tabIndex={0}>
      <table>
        <thead>
          <tr>{columns.map((column) => <Heading key={column.title} column={column} sort={sort} onSort={onSort} />)}</tr>
        </thead>
        <tbody aria-busy={!rows}>
          {rows?.map((row) => (
            <tr key={rowKey(row)}>
              {columns.map((column) => <td key={column.title} class={cellClass(column)}>{column.cell(row)}</td>)}
            </tr>
          )) ?? Array.from({ length: expect }, (_, i) => (
            <tr key={i} class="ghost">{columns.map((column) => <td key={column.title} class={cellClass(column)}>&nbsp;</td>)}</tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

const cellClass = <T,>({ minor, align }: Column<T>) => `${minor ? "minor" : ""} ${align ?? ""}`;

function Heading<T>({ column, sort, onSort }: { column: Column<T>; sort?: string; onSort?: (sort: string) => void }) {
  const { sort: name, title } = column;
  if (!title) return <td class={cellClass(column)} />; // of actions that speak for themselves
  if (!name || !onSort) return <th scope="col" class={cellClass(column)}>{title}</th>;
  const up = sort === name;
  const down = sort === `-${name}`;
  return (
    <th scope="col" class={cellClass(column)} aria-sort={up ? "ascending" : down ? "descending" : "none"}>
      <button type="button" onClick={() => onSort(up ? `-${name}` : name)}>
        {title}<span aria-hidden="true">{up ? " ↑" : down ? " ↓" : " ↕"}</span>
      </button>
    </th>
  );
}

export interface Page<T> {
  rows: T[];
  next: string | null;
}

export interface Pages<T> {
  rows: T[] | undefined;
  error: ApiError | null;
  loading: boolean;
  number: number;
  hasNext: boolean;
  forward: () => void;
  back: () => void;
  reload: () => void;
  change: (change: (rows: T[]) => T[]) => void;
}

/** A request looks at 20,000 rows at most; so many of them in a row are read past when they found nothing. */
const STRETCHES_MAX = 50;

async function firstWithRows<T>(load: (cursor: string | undefined, signal: AbortSignal) => Promise<Page<T>>, cursor: string | undefined, signal: AbortSignal) {
  let page = await load(cursor, signal);
  for (let read = 1; page.rows.length === 0 && page.next && read < STRETCHES_MAX; read++) page = await load(page.next, signal);
  return page;
}

/** Pages of a list by the server's cursors; from the first page whenever the key changes. */
export function usePages<T>(key: string, load: (cursor: string | undefined, signal: AbortSignal) => Promise<Page<T>>): Pages<T> {
  const [trail, setTrail] = useState<{ key: string; cursors: string[] }>({ key, cursors: [] });
  const cursors = trail.key === key ? trail.cursors : [];
  const cursor = cursors.at(-1);
  const page = useResource(`${key} ${cursor ?? ""}`, (signal) => firstWithRows(load, cursor, signal));
  const next = page.data?.next ?? null;
  return {
    rows: page.data?.rows,
    error: page.error,
    loading: page.loading,
    number: cursors.length + 1,
    hasNext: next !== null,
    forward: () => next && setTrail({ key, cursors: [...cursors, next] }),
    back: () => setTrail({ key, cursors: cursors.slice(0, -1) }),
    reload: page.reload,
    change: (change) => page.set((data) => ({ ...data, rows: change(data.rows) })),
  };
}

/** A table of pages, with the buttons that turn them. */
export function PagedTable<T>({ pages, ...table }: Omit<Props<T>, "rows"> & { pages: Pages<T> }) {
  const top = useRef<HTMLDivElement>(null);
  const shown = useRef(1);
  useEffect(() => {
    if (shown.current !== pages.number) top.current?.scrollIntoView({ block: "nearest" });
    shown.current = pages.number;
  }, [pages.number]);
  return (
    <div ref={top} class={pages.loading && pages.rows ? "paged stale" : "paged"}>
      {pages.error && <ErrorNote error={pages.error} retry={pages.reload} />}
      {(!pages.error || pages.rows) && <Table rows={pages.rows} {...table} />}
      {(pages.number > 1 || pages.hasNext) && (
        <nav class="pages" aria-label={`${table.label}: pages`}>
          <Button onClick={pages.back} disabled={pages.number === 1}>Previous</Button>
          <span>Page {pages.number}</span>
          <Button onClick={pages.forward} disabled={!pages.hasNext}>Next</Button>
        </nav>
      )}
    </div>
  );
}
