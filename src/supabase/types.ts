/**
 * Requests and answers of the Management API, as far as they are used. Names and optionality are tested against the
 * official document ("Supabase API (v1)") in a test. Answers may have more fields, and statuses more values: text.
 */

export interface Organization {
  slug: string;
  name: string;
}

export interface OrganizationDetails {
  name: string;
  /** `free`, `pro`, `team`, `enterprise`, `platform`, or one that is new. */
  plan?: string;
}

/** Where a project is to be: one region, or the platform's choice in a group of them. */
export interface RegionSelection {
  type: 'specific' | 'smartGroup';
  code: string;
}

export interface Region extends RegionSelection {
  name: string;
  /** `capacity` if the region lacks capacity. */
  status?: string;
}

export interface RegionsInfo {
  recommendations: { smartGroup: Region; specific: Region[] };
  all: { smartGroup: Region[]; specific: Region[] };
}

export interface CreateProjectBody {
  db_pass: string;
  name: string;
  organization_slug: string;
  region_selection?: RegionSelection;
  desired_instance_size?: string;
}

export interface Project {
  ref: string;
  organization_slug: string;
  /** Deprecated, and the only one that older answers have. */
  organization_id: string;
  name: string;
  region: string;
  /** ISO 8601, by the server's clock. */
  created_at: string;
  status: string;
}

export interface ProjectWithDatabase extends Project {
  database: { host: string; version: string };
}

export interface ServiceHealth {
  name: string;
  status: string;
  error?: string;
}

export interface ApiKey {
  name: string;
  type?: string | null;
  api_key?: string | null;
}

export interface PoolerConfig {
  database_type: string;
  db_user: string;
  db_host: string;
  db_port: number;
  db_name: string;
  pool_mode: string;
}

export interface AuthConfig {
  site_url?: string | null;
  /** Comma-separated. */
  uri_allow_list?: string | null;
}

export interface QueryBody {
  query: string;
  parameters?: readonly unknown[];
  read_only?: boolean;
}

export interface NetworkBans {
  banned_ipv4_addresses: string[];
}
