import { useState } from 'react';

/** Something that a person starts: whether it is at work, what went wrong, and whether it was done. */
export function useAction<Input extends unknown[]>(work: (...input: Input) => Promise<void>) {
  const [state, setState] = useState<{ busy: boolean; done: boolean; error: unknown }>({
    busy: false,
    done: false,
    error: undefined,
  });
  const run = async (...input: Input): Promise<void> => {
    setState({ busy: true, done: false, error: undefined });
    try {
      await work(...input);
      setState({ busy: false, done: true, error: undefined });
    } catch (error) {
      setState({ busy: false, done: false, error });
    }
  };
  return { ...state, run };
}
