import { keyOf, type Catalog, type Qualified, type Routine } from './catalog.ts';
import { RestFailure } from './failure.ts';
import { routineHint } from './hints.ts';

export interface CallRequest {
  /** The names of the arguments that the request has. */
  names: readonly string[];
  /** The body's type, for POST; undefined for GET and HEAD. */
  contentType: string | undefined;
}

/** The body's type, and the types of a single unnamed parameter that takes such a body. */
const bodyParameters: Readonly<Record<string, readonly string[]>> = {
  'application/json': ['json', 'jsonb'],
  'text/plain': ['text'],
  'text/xml': ['xml'],
  'application/octet-stream': ['bytea'],
};

/** Whether the body is one value, not named arguments. */
function isWholeBody({ contentType }: CallRequest): boolean {
  return contentType !== undefined && contentType !== 'application/json' && Object.hasOwn(bodyParameters, contentType);
}

/** Whether the function is called with the whole body. */
export function takesBody(routine: Routine): boolean {
  return routine.parameters.length === 1 && routine.parameters[0]?.name === '';
}

/**
 * Chooses a function among those of a name by the names of the arguments.
 * @throws RestFailure PGRST202 where none fits, PGRST203 where several do
 */
export function findRoutine(catalog: Catalog, name: Qualified, request: CallRequest): Routine {
  const overloads = catalog.routines.get(keyOf(name)) ?? [];
  const byNames = overloads.filter((routine) => acceptsNames(routine, request));
  const byBody = overloads.filter((routine) => !byNames.includes(routine) && acceptsBody(routine, request));
  const found = byNames.length > 0 ? byNames : byBody;
  const [only, another] = found;
  if (only === undefined) throw notFound(catalog, name, request, overloads);
  if (another !== undefined) throw ambiguous(found);
  return only;
}

function acceptsNames({ parameters }: Routine, request: CallRequest): boolean {
  const { names } = request;
  if (parameters.length === 0) return names.length === 0 && !isWholeBody(request);
  const given = new Set(names);
  return (
    names.every((name) => parameters.some((parameter) => parameter.name === name)) &&
    parameters.every((parameter) => !parameter.required || given.has(parameter.name))
  );
}

function acceptsBody(routine: Routine, { contentType }: CallRequest): boolean {
  if (contentType === undefined || !takesBody(routine)) return false;
  const types = Object.hasOwn(bodyParameters, contentType) ? bodyParameters[contentType] : undefined;
  return types?.includes(routine.parameters[0]?.type as string) ?? false;
}

function notFound(catalog: Catalog, name: Qualified, request: CallRequest, overloads: readonly Routine[]): RestFailure {
  const names = [...request.names].sort();
  const whole = isWholeBody(request);
  const called = `${name.schema}.${name.name}`;
  const list = names.length === 0 ? ' without parameters' : `(${names.join(', ')})`;
  const described =
    names.length === 0 ? ' without parameters' : ` with parameter${names.length > 1 ? 's' : ''} ${names.join(', ')}`;
  const searched = whole
    ? ` with a single unnamed ${bodyParameters[request.contentType as string]?.[0]} parameter`
    : request.contentType === 'application/json'
      ? `${described} or with a single unnamed json/jsonb parameter`
      : described;
  return new RestFailure({
    status: 404,
    code: 'PGRST202',
    message: `Could not find the function ${called}${whole ? '' : list} in the schema cache`,
    details: `Searched for the function ${called}${searched}, but no matches were found in the schema cache.`,
    hint: whole ? null : routineHint(catalog, name, names, overloads),
  });
}

function ambiguous(found: readonly Routine[]): RestFailure {
  const signatures = found.map(({ schema, name, parameters }) => {
    const list = parameters.map((parameter) => `${parameter.name} => ${parameter.type}`);
    return `${schema}.${name}(${list.join(', ')})`;
  });
  return new RestFailure({
    status: 300,
    code: 'PGRST203',
    message: `Could not choose the best candidate function between: ${signatures.join(', ')}`,
    hint: 'Try renaming the parameters or the function itself in the database so function overloading can be resolved',
  });
}
