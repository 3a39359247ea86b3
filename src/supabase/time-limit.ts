/**
 * `fetch` and the whole of its body within a time limit. An aborted signal alone does not do: once the head of an answer
 * is there, Node may lose the signal to the garbage collector, and a body that stops half-way is waited for for ever.
 * @param limitMs for connecting, waiting and the body, ms
 * @param send `fetch`, or what stands in for it
 * @param stop ends it at once when it is aborted
 * @returns an answer whose body is there
 * @throws a DOMException named `TimeoutError`, the reason of `stop`, and what `fetch` throws
 */
export async function fetchWhole(
  input: Parameters<typeof fetch>[0],
  init: RequestInit,
  limitMs: number,
  send: typeof fetch = fetch,
  stop?: AbortSignal,
): Promise<Response> {
  const controller = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  let onStop = (): void => undefined;
  const over = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      const error = new DOMException(`no whole answer in ${limitMs} ms`, 'TimeoutError');
      reject(error);
      controller.abort(error);
    }, limitMs);
    onStop = () => {
      reject(stop?.reason as Error);
      controller.abort(stop?.reason);
    };
    stop?.addEventListener('abort', onStop);
  });
  const whole = async (): Promise<Response> => {
    const response = await send(input, { ...init, signal: controller.signal });
    const body = await response.arrayBuffer();
    const { status, statusText, headers } = response;
    // These three may have no body, not even an empty one.
    return new Response([204, 205, 304].includes(status) ? null : body, { status, statusText, headers });
  };
  try {
    return await Promise.race([whole(), over]);
  } finally {
    clearTimeout(timer);
    stop?.removeEventListener('abort', onStop);
  }
}
