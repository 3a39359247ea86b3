/** A place of `format` that takes an argument. */
export interface FormatPlace {
  /** `s` a text as it is, `I` a name, `L` a value. */
  kind: string;
  /** Which of the arguments of the call it takes; the format itself is the first. */
  index: number;
  /** Where in the format it stands, and how long it is. */
  at: number;
  length: number;
}

/** The places of `format`, in order. */
export function placesIn(format: string): FormatPlace[] {
  let next = 1;
  return [...format.matchAll(/%(?:(\d+)\$)?-?(?:\d+|\*)?([sIL%])/g)].flatMap((match): FormatPlace[] => {
    const [text, position, kind = '%'] = match;
    if (kind === '%') return [];
    const index = position === undefined ? next : Number(position);
    next = index + 1;
    return [{ kind, index, at: match.index, length: text.length }];
  });
}
