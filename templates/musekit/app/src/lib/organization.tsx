import { useQuery, useQueryClient } from '@tanstack/react-query';
import { createContext, type ReactNode, use, useState } from 'react';
import { Loading, Problem } from '../components/Notice';
import { supabase } from './supabase';
import { useUser } from './session';

export type Role = 'owner' | 'admin' | 'member' | 'viewer';

export interface Organization {
  id: string;
  name: string;
  slug: string;
  /** The role that the signed-in user has in it. */
  role: Role;
}

interface OrganizationState {
  organizations: Organization[];
  /** The one that is worked in; undefined for a user who is in none. */
  current: Organization | undefined;
  switchTo(id: string): void;
  /** Reads them again, after one was founded, joined, renamed or left. */
  refresh(): Promise<void>;
}

const OrganizationContext = createContext<OrganizationState | null>(null);
const storageKey = 'organization';

async function readOrganizations(user: string): Promise<Organization[]> {
  const { data, error } = await supabase
    .from('organization_members')
    .select('role, organizations (id, name, slug)')
    .eq('user_id', user);
  if (error) throw error;
  return data
    .filter(({ organizations }) => organizations !== null)
    .map(({ role, organizations }) => ({ ...organizations, role: role as Role }))
    .sort((a, b) => a.name.localeCompare(b.name));
}

export function OrganizationProvider({ children }: { children: ReactNode }) {
  const user = useUser();
  const queries = useQueryClient();
  const [chosen, setChosen] = useState(() => localStorage.getItem(storageKey));
  const { data, error, isPending } = useQuery({
    queryKey: ['organizations', user.id],
    queryFn: () => readOrganizations(user.id),
  });
  if (isPending) return <Loading />;
  if (error) return <Problem error={error} />;
  const switchTo = (id: string) => {
    localStorage.setItem(storageKey, id);
    setChosen(id);
  };
  const state: OrganizationState = {
    organizations: data,
    current: data.find(({ id }) => id === chosen) ?? data[0],
    switchTo,
    refresh: () => queries.invalidateQueries({ queryKey: ['organizations'] }),
  };
  return <OrganizationContext value={state}>{children}</OrganizationContext>;
}

export function useOrganizations(): OrganizationState {
  const state = use(OrganizationContext);
  if (state === null) throw new Error('useOrganizations needs an OrganizationProvider.');
  return state;
}

/** The organization that is worked in; only for pages that nobody without one reaches. */
export function useOrganization(): Organization {
  const { current } = useOrganizations();
  if (current === undefined) throw new Error('useOrganization needs an organization.');
  return current;
}

/** Owners and admins manage members, invitations, keys and settings. */
export const manages = (role: Role): boolean => role === 'owner' || role === 'admin';

/** Viewers only read. */
export const writes = (role: Role): boolean => role !== 'viewer';

/**
 * The members of the organization, for pickers and names.
 * @param every how often to read them again, in ms
 */
export function usePeople(every?: number) {
  const { id } = useOrganization();
  return useQuery({
    queryKey: ['people', id],
    refetchInterval: every ?? false,
    queryFn: async () => {
      const { data, error } = await supabase.rpc('organization_people', { organization: id });
      if (error) throw error;
      return data;
    },
  });
}

export const personName = (person: { full_name: string | null; email: string | null }): string =>
  person.full_name || person.email || 'Unnamed';
