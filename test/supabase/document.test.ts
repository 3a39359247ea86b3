import { describe, expect, it } from 'vitest';
import { document, resolveSchema, validate, type Schema } from '../support/fake-api/document.ts';
import type * as types from '../../src/supabase/types.ts';

/** The fields of a type, and whether each must be there: `satisfies` makes the compiler compare them with the type. */
type Fields<T> = { [Key in keyof Required<T>]: Partial<T> extends Pick<T, Key> ? 'optional' : 'required' };

const answers = {
  OrganizationResponseV1: { slug: 'required', name: 'required' } satisfies Fields<types.Organization>,
  V1OrganizationSlugResponse: { name: 'required', plan: 'optional' } satisfies Fields<types.OrganizationDetails>,
  RegionsInfo: { recommendations: 'required', all: 'required' } satisfies Fields<types.RegionsInfo>,
  V1ProjectResponse: {
    ref: 'required',
    organization_slug: 'optional',
    organization_id: 'optional',
    name: 'required',
    region: 'required',
    created_at: 'required',
    status: 'required',
  } satisfies Fields<types.Project>,
  V1ProjectWithDatabaseResponse: {
    ref: 'required',
    organization_slug: 'optional',
    organization_id: 'optional',
    name: 'required',
    region: 'required',
    created_at: 'required',
    status: 'required',
    database: 'required',
  } satisfies Fields<types.ProjectWithDatabase>,
  V1ServiceHealthResponse: {
    name: 'required',
    status: 'required',
    error: 'optional',
  } satisfies Fields<types.ServiceHealth>,
  ApiKeyResponse: { name: 'required', type: 'optional', api_key: 'optional' } satisfies Fields<types.ApiKey>,
  SupavisorConfigResponse: {
    database_type: 'required',
    db_user: 'required',
    db_host: 'required',
    db_port: 'required',
    db_name: 'required',
    pool_mode: 'required',
  } satisfies Fields<types.PoolerConfig>,
  NetworkBanResponse: { banned_ipv4_addresses: 'required' } satisfies Fields<types.NetworkBans>,
};

const requests = {
  V1CreateProjectBody: {
    db_pass: 'required',
    name: 'required',
    organization_slug: 'required',
    region_selection: 'optional',
    desired_instance_size: 'optional',
  } satisfies Fields<types.CreateProjectBody>,
  V1RunQueryBody: {
    query: 'required',
    parameters: 'optional',
    read_only: 'optional',
  } satisfies Fields<types.QueryBody>,
  UpdateAuthConfigBody: { site_url: 'optional', uri_allow_list: 'optional' } satisfies Fields<types.AuthConfig>,
};

const schemaOf = (name: string): Schema => resolveSchema({ $ref: name });

describe('types, compared with the official document', () => {
  it.each(Object.entries(answers))('%s: the fields that are read exist', (name, fields) => {
    const schema = schemaOf(name);
    const required = Object.entries(fields)
      .filter(([, presence]) => presence === 'required')
      .map(([field]) => field);
    expect(Object.keys(schema.properties ?? {})).toEqual(expect.arrayContaining(Object.keys(fields)));
    expect(schema.required).toEqual(expect.arrayContaining(required));
  });

  it.each(Object.entries(requests))(
    '%s: the fields that are sent exist, and none that is required is missing',
    (name, fields) => {
      const schema = schemaOf(name);
      for (const field of Object.keys(fields)) expect(schema.properties).toHaveProperty(field);
      const given: string[] = Object.entries(fields)
        .filter(([, presence]) => presence === 'required')
        .map(([field]) => field);
      expect(schema.required ?? []).toEqual(expect.arrayContaining(given));
      for (const field of schema.required ?? []) expect(given).toContain(field);
    },
  );
});

describe("the fake API's validator", () => {
  const body = {
    db_pass: 'x',
    name: 'n',
    organization_slug: 'acme',
    region_selection: { type: 'smartGroup', code: 'emea' },
  };
  const schema = document.paths['/v1/projects']?.['post']?.requestBody?.content['application/json']?.schema ?? {};
  it.each<[string, unknown, number]>([
    ['a good body', body, 0],
    ['an unknown property', { ...body, region_group: 'x' }, 1],
    ['a missing one', { name: 'n', organization_slug: 'acme' }, 1],
    ['a wrong type', { ...body, name: 7 }, 1],
    ['a region that there is not', { ...body, region_selection: { type: 'specific', code: 'moon-1' } }, 1],
    ['a slug with a space', { ...body, organization_slug: 'a b' }, 1],
    ['a name too long', { ...body, name: 'n'.repeat(257) }, 1],
  ])('%s', (_, value, errors) => {
    expect(validate(value, schema).length >= errors && errors > 0 === validate(value, schema).length > 0).toBe(true);
  });
});
