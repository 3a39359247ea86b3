import type { ActOptions, DevDatabase, DevRequest } from '../service.ts';
import type { Catalog } from './catalog.ts';
import { RestFailure } from './failure.ts';
import type { Preferences } from './prefer.ts';

/** A request with what every kind of it needs. */
export interface RestRequest {
  request: DevRequest;
  database: DevDatabase;
  catalog: Catalog;
  schema: string;
  /** The schema was chosen among several, so the answer says which. */
  profiled: boolean;
  preferences: Preferences;
  maxRows: number;
  /** How the request's transaction begins. */
  act: ActOptions;
}

/** A header as one text. */
export function headerOf({ headers }: Pick<DevRequest, 'headers'>, name: string): string | undefined {
  const value = headers[name];
  return Array.isArray(value) ? value.join(', ') : value;
}

export function unsupported(method: string): RestFailure {
  return new RestFailure({ status: 405, code: 'PGRST117', message: `Unsupported HTTP method: ${method}` });
}
