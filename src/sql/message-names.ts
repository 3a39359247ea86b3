/**
 * Messages that name something without quotes around it: `column p.org does not exist`, `function f(uuid) does not
 * exist`.
 */
const bare = /^(?:column|function|procedure|aggregate|type) ([^\s("]+)(?=[\s(])/;

/**
 * The names in a message of PostgreSQL, each split into its parts, starting with the one that the error is about:
 * `relation "app.t" does not exist` gives `[['app', 't']]`. Empty if the message names nothing. Only English messages
 * are understood.
 */
export function namesIn(message: string): string[][] {
  const first = bare.exec(message)?.[1];
  const quoted = [...message.matchAll(/"((?:[^"]|"")+)"/g)].map((match) => match[1]!);
  return [...(first === undefined ? [] : [first]), ...quoted].map((name) =>
    name.split('.').filter((part) => part !== ''),
  );
}
