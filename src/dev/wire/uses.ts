/** What a text needs from a server whose one session changes hands, read from PostgreSQL's parse tree. */
import { fieldsOf, literalOf, stringOf, walk } from '../../sql/nodes.ts';
import { parseTree } from '../../sql/parser.ts';

export interface Uses {
  /** The COPY statements that read from the client, in order. */
  copies: { binary: boolean }[];
  /** Settings with a name of an application, such as `app.tenant`: PostgreSQL does not list those. */
  settings: string[];
  /** LISTEN and UNLISTEN, in order; `*` for all channels. */
  channels: { listen: boolean; name: string }[];
}

const none: Uses = { copies: [], settings: [], channels: [] };
/** A text without any of these has none of those statements; it need not be parsed. */
const words = ['copy', 'set', 'listen'];

/** A text that PostgreSQL cannot parse has no uses: none of it will run. */
export function usesOf(sql: string): Uses {
  const lower = sql.toLowerCase();
  if (!words.some((word) => lower.includes(word))) return none;
  const statements = parseTree(sql);
  if (!Array.isArray(statements)) return none;
  const uses: Uses = { copies: [], settings: [], channels: [] };
  for (const { stmt } of statements) {
    const copy = fieldsOf(stmt, 'CopyStmt');
    if (copy?.is_from === true && copy.filename === undefined) {
      const format = copy.options
        ?.map((option) => fieldsOf(option, 'DefElem'))
        .find((one) => one?.defname === 'format');
      uses.copies.push({ binary: stringOf(format?.arg) === 'binary' });
    }
    const listen = fieldsOf(stmt, 'ListenStmt');
    if (listen !== undefined) uses.channels.push({ listen: true, name: listen.conditionname ?? '' });
    const unlisten = fieldsOf(stmt, 'UnlistenStmt');
    if (unlisten !== undefined) uses.channels.push({ listen: false, name: unlisten.conditionname ?? '*' });
    walk(stmt, (type, fields) => {
      const name =
        type === 'VariableSetStmt'
          ? fields.name
          : type === 'FuncCall' && stringOf(fields.funcname?.at(-1)) === 'set_config'
            ? literalOf(fields.args?.[0])
            : undefined;
      if (name?.includes('.')) uses.settings.push(name);
    });
  }
  return uses;
}
