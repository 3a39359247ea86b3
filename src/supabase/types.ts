/**
 * Requests and answers of the Management API, as far as they are used. Names and optionality are tested against the
 * official document ("Supabase API (v1)") in a test. Answers may have more fields, and statuses more values: text.
 */
import { exactOptional, type InferOutput, nullable } from 'valibot';
import { list, matching, name, number, oneOf, openObject, text } from '../shared/schema.ts';

/** What every project ref looks like. It becomes part of host names and paths, so nothing else is accepted. */
const projectRef = matching(/^[a-z]{20}$/, 'a project ref (20 letters a-z)');

export type Organization = InferOutput<typeof organization>;
export const organization = openObject({ slug: name(), name: text() });

export type OrganizationDetails = InferOutput<typeof organizationDetails>;
export const organizationDetails = openObject({
  name: text(),
  /** `free`, `pro`, `team`, `enterprise`, `platform`, or one that is new. */
  plan: exactOptional(text()),
});

/** Where a project is to be: one region, or the platform's choice in a group of them. */
export type RegionSelection = InferOutput<typeof regionSelection>;
export const regionSelection = openObject({ type: oneOf(['specific', 'smartGroup']), code: name() });

export type Region = InferOutput<typeof region>;
const region = openObject({
  ...regionSelection.entries,
  name: text(),
  /** `capacity` if the region lacks capacity. */
  status: exactOptional(text()),
});

export type RegionsInfo = InferOutput<typeof regionsInfo>;
export const regionsInfo = openObject({
  recommendations: openObject({ smartGroup: region, specific: list(region) }),
  all: openObject({ smartGroup: list(region), specific: list(region) }),
});

export interface CreateProjectBody {
  db_pass: string;
  name: string;
  organization_slug: string;
  region_selection?: RegionSelection;
  desired_instance_size?: string;
}

const projectFields = {
  ref: projectRef,
  organization_slug: exactOptional(text()),
  /** Deprecated, and the only one that older answers have. */
  organization_id: exactOptional(text()),
  name: text(),
  region: text(),
  /** ISO 8601, by the server's clock. */
  created_at: text(),
  status: name(),
};

export type Project = InferOutput<typeof project>;
export const project = openObject(projectFields);

export type ProjectWithDatabase = InferOutput<typeof projectWithDatabase>;
export const projectWithDatabase = openObject({
  ...projectFields,
  database: openObject({ host: text(), version: text() }),
});

export type ServiceHealth = InferOutput<typeof serviceHealth>;
export const serviceHealth = openObject({ name: text(), status: text(), error: exactOptional(text()) });

export type ApiKey = InferOutput<typeof apiKey>;
export const apiKey = openObject({
  name: text(),
  type: exactOptional(nullable(text())),
  api_key: exactOptional(nullable(text())),
});

export type PoolerConfig = InferOutput<typeof poolerConfig>;
export const poolerConfig = openObject({
  database_type: text(),
  db_user: text(),
  db_host: text(),
  db_port: number(),
  db_name: text(),
  pool_mode: text(),
});

export type AuthConfig = InferOutput<typeof authConfig>;
export const authConfig = openObject({
  site_url: exactOptional(nullable(text())),
  /** Comma-separated. */
  uri_allow_list: exactOptional(nullable(text())),
});

export interface QueryBody {
  query: string;
  parameters?: readonly unknown[];
  read_only?: boolean;
}

export type NetworkBans = InferOutput<typeof networkBans>;
export const networkBans = openObject({ banned_ipv4_addresses: list(text()) });
