import { getHealth, getProject } from './api.ts';
import type { Http } from './http.ts';
import { neededServices, type Progress } from './wait.ts';

/** How a project is right now. */
interface ProjectStatus {
  ref: string;
  name: string;
  region: string;
  /** As the API has it, as `ACTIVE_HEALTHY`. */
  status: string;
  /** Empty where the project is not up: its services are not asked then. */
  services: Progress[];
}

/**
 * Looks how a project is: its own status, and that of the services that a muse needs.
 * @throws MuseError what the API refuses: `api-not-found` where there is no such project
 */
export async function projectStatus(http: Http, ref: string): Promise<ProjectStatus> {
  const { name, region, status } = await getProject(http, ref);
  const health = status.startsWith('ACTIVE') ? await getHealth(http, ref, neededServices) : [];
  return { ref, name, region, status, services: health.map((service) => ({ name: service.name, status: service.status })) };
}
