/** The official OpenAPI document of the Management API, reduced to the calls that are used, and a validator for it. */
import { readFileSync } from 'node:fs';

export interface Schema {
  $ref?: string;
  type?: string;
  properties?: Record<string, Schema>;
  required?: string[];
  additionalProperties?: boolean | Schema;
  items?: Schema;
  enum?: unknown[];
  oneOf?: Schema[];
  discriminator?: { propertyName: string };
  nullable?: boolean;
  pattern?: string;
  minLength?: number;
  maxLength?: number;
}

interface Operation {
  parameters?: { name: string; in: string; required?: boolean; schema: Schema }[];
  requestBody?: { content: Record<string, { schema: Schema }> };
  responses: Record<string, { content?: Record<string, { schema: Schema }> }>;
}

interface Document {
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, Schema> };
}

export const document = JSON.parse(readFileSync(new URL('document.json', import.meta.url), 'utf8')) as Document;

/** The schema that a `$ref` names. */
export function resolveSchema(schema: Schema): Schema {
  const name = schema.$ref?.split('/').pop();
  return name === undefined ? schema : (document.components.schemas[name] ?? {});
}

/** The errors in a value, as `body.name: …`; empty if there are none. */
export function validate(value: unknown, given: Schema, path = 'body'): string[] {
  const schema = resolveSchema(given);
  if (value === null) return schema.nullable ? [] : [`${path}: null`];
  if (schema.oneOf) return validateOneOf(value, schema, path);
  if (schema.enum && !schema.enum.includes(value))
    return [`${path}: ${JSON.stringify(value)} is none of ${schema.enum.join(', ')}`];
  switch (schema.type) {
    case 'object':
      return validateObject(value, schema, path);
    case 'array':
      return Array.isArray(value)
        ? value.flatMap((item, at) => validate(item, schema.items ?? {}, `${path}[${at}]`))
        : [`${path}: no array`];
    case 'string':
      return validateString(value, schema, path);
    case 'integer':
      return Number.isInteger(value) ? [] : [`${path}: no integer`];
    case 'boolean':
    case 'number':
      return typeof value === schema.type ? [] : [`${path}: no ${schema.type}`];
    default:
      return [];
  }
}

function validateObject(value: unknown, schema: Schema, path: string): string[] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return [`${path}: no object`];
  const known = schema.properties ?? {};
  const missing = (schema.required ?? []).filter((name) => !(name in value)).map((name) => `${path}.${name}: missing`);
  const inner = Object.entries(value).flatMap(([name, item]) => {
    const property = known[name];
    if (property) return item === undefined ? [] : validate(item, property, `${path}.${name}`);
    return schema.additionalProperties === false ? [`${path}.${name}: unknown property`] : [];
  });
  return [...missing, ...inner];
}

function validateOneOf(value: unknown, schema: Schema, path: string): string[] {
  const results = (schema.oneOf ?? []).map((one) => validate(value, one, path));
  return results.some((errors) => errors.length === 0) ? [] : (results[0] ?? []);
}

function validateString(value: unknown, schema: Schema, path: string): string[] {
  if (typeof value !== 'string') return [`${path}: no string`];
  if (schema.minLength !== undefined && value.length < schema.minLength) return [`${path}: too short`];
  if (schema.maxLength !== undefined && value.length > schema.maxLength) return [`${path}: too long`];
  if (schema.pattern !== undefined && !new RegExp(schema.pattern).test(value))
    return [`${path}: does not match ${schema.pattern}`];
  return [];
}

/** The operation for a request's path, with the path's parameters by name. */
export function findOperation(
  method: string,
  path: string,
): { template: string; operation: Operation; parameters: Record<string, string> } | undefined {
  for (const [template, operations] of Object.entries(document.paths)) {
    const names: string[] = [];
    const pattern = template.replaceAll(/\{(\w+)\}/g, (_, name: string) => {
      names.push(name);
      return '([^/]+)';
    });
    const match = new RegExp(`^${pattern}$`).exec(path);
    const operation = operations[method.toLowerCase()];
    if (match && operation) {
      return {
        template,
        operation,
        parameters: Object.fromEntries(names.map((name, at) => [name, decodeURIComponent(match[at + 1] ?? '')])),
      };
    }
  }
  return undefined;
}

/** The errors in a request's query and body. */
export function validateRequest(
  operation: Operation,
  query: URLSearchParams,
  parameters: Record<string, string>,
  body: unknown,
): string[] {
  const errors: string[] = [];
  for (const parameter of operation.parameters ?? []) {
    const values = parameter.in === 'query' ? query.getAll(parameter.name) : [parameters[parameter.name] ?? ''];
    if (parameter.required && values.length === 0) errors.push(`${parameter.name}: missing`);
    const schema = resolveSchema(parameter.schema);
    const item = schema.type === 'array' ? (schema.items ?? {}) : schema;
    if (schema.type !== 'boolean') errors.push(...values.flatMap((value) => validate(value, item, parameter.name)));
  }
  const known = (operation.parameters ?? []).map((parameter) => parameter.name);
  errors.push(...[...query.keys()].filter((name) => !known.includes(name)).map((name) => `${name}: unknown parameter`));
  const schema = operation.requestBody?.content['application/json']?.schema;
  if (schema) errors.push(...validate(body ?? {}, schema));
  return errors;
}
