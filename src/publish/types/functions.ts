/** The functions of a schema as TypeScript: how a call of each is written, and what it answers. */
import {
  type CatalogFunction,
  type CatalogParameter,
  type CatalogRelation,
  compareText,
  type TypesCatalog,
} from './catalog.ts';
import { block, lineWidth, member } from './layout.ts';
import { orNull, type TypeNames } from './ts-type.ts';

/** A function, and the parameters that a call gives. */
export interface Callable {
  routine: CatalogFunction;
  inputs: CatalogParameter[];
}

/** The types that the whole body of a request can be: json, jsonb, text, by their ids, the same in every PostgreSQL. */
const bodyTypes = new Set([114, 3802, 25]);

/** What PostgREST lets call, and what is a computed column: the functions of one schema. */
export class SchemaFunctions {
  readonly #names: TypeNames;
  readonly #schema: string;
  readonly #relations: ReadonlyMap<number, CatalogRelation>;
  readonly #callables: readonly Callable[];

  constructor(catalog: TypesCatalog, names: TypeNames, schema: string) {
    this.#names = names;
    this.#schema = schema;
    this.#relations = new Map(catalog.relations.map((relation) => [relation.id, relation]));
    this.#callables = catalog.functions
      .filter((routine) => routine.schema === schema)
      .map((routine) => ({ routine, inputs: routine.parameters.filter(({ mode }) => 'ibv'.includes(mode)) }))
      .filter(({ inputs }) => this.#isCallable(inputs));
  }

  /** The computed columns of a relation, as members of its row. */
  computedColumns({ id, name }: CatalogRelation): string[] {
    return this.#callables
      .filter(({ routine, inputs }) => {
        const [only, ...more] = inputs;
        const row = only === undefined || more.length > 0 ? undefined : this.#rowRelation(only);
        return row === undefined ? routine.signature === name : row === id;
      })
      .map(({ routine }) => member(routine.name, orNull(this.#returnType(routine), true)));
  }

  /** One member for each name, with a union where it is overloaded. */
  members(): string[] {
    const names = [...new Set(this.#callables.map(({ routine }) => routine.name))];
    return names.map((name) => {
      const overloads = this.#callables
        .filter(({ routine }) => routine.name === name)
        .sort(
          (a, b) =>
            compareText(a.routine.signature, b.routine.signature) || compareText(a.routine.result, b.routine.result),
        );
      const signatures = overloads.map((one) => this.#signature(one, overloads));
      return member(name, signatures.length === 1 ? (signatures[0] as string) : `\n| ${signatures.join('\n| ')}`);
    });
  }

  #isCallable(inputs: readonly CatalogParameter[]): boolean {
    const [first] = inputs;
    const unnamed = inputs.filter(({ name }) => name === '');
    if (unnamed.every(({ type, hasDefault }) => hasDefault && bodyTypes.has(type))) return true;
    return (
      inputs.length === 1 &&
      first !== undefined &&
      (bodyTypes.has(first.type) || this.#rowRelation(first) !== undefined)
    );
  }

  /** The relation whose row the parameter takes. */
  #rowRelation({ type }: CatalogParameter): number | undefined {
    return this.#names.get(type)?.relation ?? undefined;
  }

  /** The relation, or the composite type, that a result can be embedded as. */
  #returnedName({ returns, returnsRelation }: CatalogFunction): string | undefined {
    if (returnsRelation === null) return undefined;
    const relation = this.#relations.get(returnsRelation);
    if (relation !== undefined) return relation.name;
    const type = this.#names.get(returns);
    return type?.relation === null ? undefined : type?.name;
  }

  #returnType({ parameters, returns, returnsRelation }: CatalogFunction): string {
    const columns = parameters.filter(({ mode }) => mode === 't');
    if (columns.length > 0) return block(columns.map(({ name, type }) => member(name, this.#names.ofId(type))));
    const relation = returnsRelation === null ? undefined : this.#relations.get(returnsRelation);
    if (relation === undefined || relation.schema !== this.#schema) return this.#names.ofId(returns);
    return block(
      relation.columns.map(({ name, type, typeSchema, nullable }) =>
        member(name, orNull(this.#names.ofName(type, typeSchema), nullable)),
      ),
    );
  }

  /** @param overloads all functions of its name */
  #signature(one: Callable, overloads: readonly Callable[]): string {
    const { routine, inputs } = one;
    const problem = this.#conflict(one, overloads) ?? this.#notEmbeddable(one);
    const type = problem === undefined ? this.#returnType(routine) : `{ error: true } & ${JSON.stringify(problem)}`;
    // How far from the left the signature and its members are, within the database, the schema and the functions.
    const [own, inner] = overloads.length > 1 ? ['        | ', 12] : [`      ${member(routine.name, '')}`, 8];
    return block(
      [
        member('Args', this.#args(inputs, lineWidth - inner - 'Args: '.length), 'plain'),
        member('Returns', `${type}${this.#isList(routine) ? '[]' : ''}`, 'plain'),
        ...this.#setOptions(routine),
      ],
      lineWidth - own.length,
    );
  }

  #args(inputs: readonly CatalogParameter[], space: number): string {
    if (inputs.length === 0) return 'Record<PropertyKey, never>';
    return block(
      inputs.map(({ name, type, hasDefault }) =>
        member(name, this.#names.ofId(type), hasDefault ? 'optional' : 'quoted'),
      ),
      space,
    );
  }

  /** A set that may have one row at most is an object only where that can be told from what it is embedded as. */
  #isList(routine: CatalogFunction): boolean {
    return routine.returnsSet && (isMany(routine) || this.#returnedName(routine) === undefined);
  }

  /** What lets a client select and embed in the result, as it does in a table. */
  #setOptions(routine: CatalogFunction): string[] {
    const to = this.#returnedName(routine);
    if (to === undefined) return [];
    const [only, ...more] = routine.parameters;
    const source = only === undefined || more.length > 0 ? undefined : this.#names.get(only.type);
    const isOfRow = source !== undefined && source.relation !== null;
    const members = {
      from: JSON.stringify(isOfRow ? source.format : '*'),
      to: JSON.stringify(to),
      isOneToOne: String(isOfRow && !routine.returnsSet ? true : !isMany(routine)),
      isSetofReturn: String(routine.returnsSet),
    };
    return [
      member(
        'SetofOptions',
        block(Object.entries(members).map(([name, value]) => member(name, value, 'plain'))),
        'plain',
      ),
    ];
  }

  /** A function of a row that gives no row: it is a computed column, and cannot be called. */
  #notEmbeddable({ routine, inputs }: Callable): string | undefined {
    const [only, ...more] = inputs;
    if (only === undefined || more.length > 0 || only.name !== '' || this.#rowRelation(only) === undefined)
      return undefined;
    if (this.#returnedName(routine) !== undefined) return undefined;
    return (
      `the function ${this.#schema}.${routine.name} with parameter or with a single unnamed json/jsonb parameter, ` +
      'but no matches were found in the schema cache'
    );
  }

  /** What a call is answered for which PostgREST cannot tell two functions apart. */
  #conflict(one: Callable, overloads: readonly Callable[]): string | undefined {
    const { routine, inputs } = one;
    const others = overloads.filter((other) => other !== one && other.inputs.length === 1);
    const nameOf = (type: number): string => this.#names.get(type)?.name ?? 'unknown';
    const call = `${this.#schema}.${routine.name}`;
    const [only, ...more] = inputs;
    if (only === undefined) {
      const other = others.find(({ inputs: [input] }) => input?.name === '' && input.hasDefault);
      return other === undefined ? undefined : ambiguous(`${call}(), ${call}( => ${nameOf(other.routine.returns)})`);
    }
    if (more.length > 0 || only.name === '') return undefined;
    const rivals = others.filter(({ inputs: [input] }) => input?.name === only.name && input.type !== only.type);
    if (rivals.length === 0) return undefined;
    const all = [one, ...rivals].flatMap((callable) => callable.inputs).sort((a, b) => a.type - b.type);
    return ambiguous(all.map(({ name, type }) => `${call}(${name} => ${nameOf(type)})`).join(', '));
  }
}

const ambiguous = (calls: string): string =>
  `Could not choose the best candidate function between: ${calls}. ` +
  'Try renaming the parameters or the function itself in the database so function overloading can be resolved';

const isMany = ({ rows }: CatalogFunction): boolean => rows !== null && rows > 1;
