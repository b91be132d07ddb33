import { CountersignError } from "./errors.js";

/** A page of a list. */
export interface Page<T> {
  data: T[];
  next_cursor: string | null;
}

/** A list: await it for one page, iterate over it for what all pages hold. */
export interface Paged<T, P extends Page<T> = Page<T>> extends Promise<P>, AsyncIterable<T> {}

async function* items<T>(first: Promise<Page<T>>, fetchPage: (cursor: string) => Promise<Page<T>>) {
  let page = await first;
  for (;;) {
    yield* page.data;
    const cursor = page.next_cursor;
    if (cursor === null || cursor === undefined) return;
    page = await fetchPage(cursor);
    if (page.next_cursor === cursor) throw new CountersignError("the server named the same page twice");
  }
}

/** The first page is asked for at once, each next one when it is reached. */
export function paged<T, P extends Page<T>>(fetchPage: (cursor?: string) => Promise<P>): Paged<T, P> {
  const first = fetchPage();
  return Object.assign(first, { [Symbol.asyncIterator]: () => items<T>(first, fetchPage) });
}
