/**
 * Makes the engine's session belong to a user that is not a superuser. PGlite is PostgreSQL in single-user mode, where
 * the session belongs to the bootstrap superuser: after SET SESSION AUTHORIZATION any SQL could return to it.
 * PostgreSQL decides that by the user that the connection authenticated as, `AuthenticatedUserId` in miscinit.c, which
 * no SQL can set. So it is set in the engine's memory, next to the user IDs that SET changes.
 */
const bootstrapSuperuser = 10;
/** Words of static memory to search: the IDs are in its first 3 MB. More would read pages that are not used yet. */
const searched = 1_000_000;

/**
 * @param {import('@electric-sql/pglite').PGlite} database
 * @param {string} user a role's name, a plain identifier
 * @throws Error if the engine's memory is not as expected, which means another build of PGlite
 */
export async function becomeUser(database, user) {
  await database.exec(`SET SESSION AUTHORIZATION ${user}`);
  const { rows } = await database.query('SELECT oid::int4 AS id FROM pg_catalog.pg_roles WHERE rolname = current_user');
  const { id } = /** @type {{ id: number }} */ (rows[0]);
  const words = new Uint32Array(database.Module['HEAPU8'].buffer, 0, searched);
  const found = [];
  // OuterUserId, CurrentUserId, SessionUserId, two words of other statics, AuthenticatedUserId.
  for (let at = words.indexOf(id); at !== -1; at = words.indexOf(id, at + 1)) {
    if (words[at + 1] === id && words[at + 2] === id && words[at + 5] === bootstrapSuperuser) found.push(at + 5);
  }
  if (found.length !== 1) throw new Error(`this build of PGlite keeps its user ids elsewhere (${found.length} places)`);
  words[/** @type {number} */ (found[0])] = id;
  const answers = await database.execProtocol(queryMessage('SET SESSION AUTHORIZATION supabase_admin'), {
    throwOnError: false,
  });
  if (!answers.messages.some((message) => message.name === 'error')) {
    throw new Error('this build of PGlite lets its session become superuser again');
  }
}

/**
 * A Query message of the wire protocol.
 * @param {string} sql
 */
function queryMessage(sql) {
  const text = Buffer.from(`${sql}\0`);
  const head = Buffer.alloc(5, 'Q');
  head.writeInt32BE(text.length + 4, 1);
  return Buffer.concat([head, text]);
}
