/** Something that is opened at most once, by the first caller, and closed at the end. */
export interface Lazy<T> {
  (): Promise<T>;
  /** Closes it if it was opened; may be called again. */
  close(): Promise<void>;
}

/** Wraps an opening function so that several can share what it opens. */
export function lazy<T extends { close(): Promise<void> }>(open: () => Promise<T>): Lazy<T> {
  let opened: Promise<T> | undefined;
  const get = (): Promise<T> => {
    opened ??= open();
    // If it is opened before its first use and fails, the later caller gets the failure.
    opened.catch(() => undefined);
    return opened;
  };
  const close = async (): Promise<void> => {
    const pending = opened;
    opened = undefined;
    const value = await pending?.catch(() => undefined);
    await value?.close();
  };
  return Object.assign(get, { close });
}

/** Calls a function at most once and keeps its result; a failure is not kept. */
export function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => {
    made ??= make().catch((error: unknown) => {
      made = undefined;
      throw error;
    });
    return made;
  };
}
