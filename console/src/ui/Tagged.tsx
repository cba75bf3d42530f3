import type { ComponentChildren } from "preact";
import { getTagged } from "../api/client";
import { useResource } from "../api/resource";
import { Dialog } from "./Dialog";

/** A dialog about something that is going to be changed. It shows what is there now, and the change, bound to that state by its ETag, is
 *  refused if somebody else is faster. */
export function Tagged<T>({ path, title, onClose, children }: {
  path: string;
  title: string;
  onClose: () => void;
  children: (value: T, etag: string) => ComponentChildren;
}) {
  const read = useResource(path, () => getTagged<T>(path));
  if (read.data) return <>{children(read.data.value, read.data.etag)}</>;
  return <Dialog title={title} onClose={onClose} error={read.error}><p aria-busy={read.loading}>Reading it</p></Dialog>;
}
