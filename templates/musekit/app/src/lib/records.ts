import type { SupabaseClient } from '@supabase/supabase-js';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect } from 'react';
import { type Organization, useOrganization, writes } from './organization';
import { useUser } from './session';
import { supabase } from './supabase';
import type { Row, Table, Target } from './table';

/** The client for tables that are only known at run time. */
const database = supabase as unknown as SupabaseClient;

export interface ListOptions {
  search: string;
  sort: { column: string; descending: boolean };
  /** From 0. */
  page: number;
}

export const pageSize = 20;

/** One page of the rows that a table's list shows, and how many there are. */
export function useList(table: Table, options: ListOptions) {
  const organization = useOrganization();
  const user = useUser();
  return useQuery({
    queryKey: ['rows', table.name, organization.id, 'list', options],
    placeholderData: (previous) => previous,
    queryFn: async () => {
      const { search, sort, page } = options;
      let query = database
        .from(table.name)
        .select('*', { count: 'exact' })
        .order(sort.column, { ascending: !sort.descending })
        .order('id')
        .range(page * pageSize, (page + 1) * pageSize - 1);
      if (table.ownerColumn !== undefined && table.lists !== 'all')
        query = query.eq(table.ownerColumn, table.lists === 'own' ? user.id : organization.id);
      const searched = Object.entries(table.columns).filter(([, { kind }]) => kind === 'text' || kind === 'longText');
      if (search !== '' && searched.length > 0) {
        // In quotes, so that a comma or a parenthesis is one of the text; % and _ would stand for any text.
        const pattern = JSON.stringify(`%${search.replaceAll(/[\\%_]/g, String.raw`\$&`)}%`);
        query = query.or(searched.map(([name]) => `${JSON.stringify(name)}.ilike.${pattern}`).join(','));
      }
      const { data, error, count } = await query;
      if (error) throw error;
      return { rows: data as Row[], count: count ?? 0 };
    },
  });
}

export function useRow(table: Table, id: string | undefined) {
  const { id: organization } = useOrganization();
  return useQuery({
    queryKey: ['rows', table.name, organization, 'row', id],
    enabled: id !== undefined,
    queryFn: async () => {
      const { data, error } = await database.from(table.name).select('*').eq('id', id).single();
      if (error) throw error;
      return data as Row;
    },
  });
}

/** Adds a row, or changes the one with the id. */
export function useSave(table: Table) {
  const organization = useOrganization();
  const queries = useQueryClient();
  return async (id: string | undefined, values: Record<string, unknown>): Promise<void> => {
    if (id === undefined) {
      const owner =
        table.ownedBy === 'organization' && table.ownerColumn !== undefined
          ? { [table.ownerColumn]: organization.id }
          : {};
      const { error } = await database.from(table.name).insert({ ...owner, ...values });
      if (error) throw error;
    } else {
      // What row-level security does not let change is left out without an error: then nothing comes back.
      const { error } = await database.from(table.name).update(values).eq('id', id).select('id').single();
      if (error) throw error.code === 'PGRST116' ? { code: '42501' } : error;
    }
    await queries.invalidateQueries({ queryKey: ['rows', table.name] });
  };
}

export function useRemove(table: Table) {
  const queries = useQueryClient();
  return async (id: string): Promise<void> => {
    const { error } = await database.from(table.name).delete().eq('id', id).select('id').single();
    if (error) throw error.code === 'PGRST116' ? { code: '42501' } : error;
    await queries.invalidateQueries({ queryKey: ['rows', table.name] });
  };
}

/** Whether row-level security lets the user add rows, as far as the app knows it. */
export function mayAdd(table: Table, organization: Organization): boolean {
  return table.writable && (table.ownedBy !== 'organization' || writes(organization.role));
}

/** Whether row-level security lets the user change and delete a row, as far as the app knows it. */
export function mayChange(table: Table, row: Row, organization: Organization, user: string): boolean {
  const { authorColumn, ownedBy, ownerColumn, writable } = table;
  if (!writable || ownerColumn === undefined) return false;
  if (authorColumn !== undefined && row[authorColumn] !== user) return false;
  return ownedBy === 'user'
    ? row[ownerColumn] === user
    : row[ownerColumn] === organization.id && writes(organization.role);
}

const titleOf = (target: Target, row: Row): string => String(row[target.titleColumn] ?? row['id']);

const titleQuery = (target: Target) =>
  database.from(target.name).select(target.titleColumn === 'id' ? 'id' : `id, ${JSON.stringify(target.titleColumn)}`);

/** The rows of a table that can be referred to, newest first, for a picker: those of the organization that is worked in. */
export function useOptions(target: Target | Table) {
  const { id: organization } = useOrganization();
  return useQuery({
    queryKey: ['rows', target.name, organization, 'options'],
    queryFn: async () => {
      let query = titleQuery(target).order('created_at', { ascending: false }).limit(500);
      if ('lists' in target && target.lists === 'organization' && target.ownerColumn !== undefined)
        query = query.eq(target.ownerColumn, organization);
      const { data, error } = await query;
      if (error) throw error;
      return (data as unknown as Row[]).map((row) => ({ id: String(row['id']), title: titleOf(target, row) }));
    },
  });
}

/** What a row that is referred to is called; undefined until that is known, and for one that may not be read. */
export function useTitle(target: Target, id: string): string | undefined {
  const { data: options } = useOptions(target);
  const option = options?.find((one) => one.id === id);
  // A picker has the newest rows only.
  const { data } = useQuery({
    queryKey: ['rows', target.name, 'title', id],
    enabled: options !== undefined && option === undefined,
    queryFn: async () => {
      const { data: row, error } = await titleQuery(target).eq('id', id).maybeSingle();
      if (error) throw error;
      return row === null ? null : titleOf(target, row as unknown as Row);
    },
  });
  return option?.title ?? data ?? undefined;
}

/** Reads a table again when anyone changes it. */
export function useLive({ name }: Pick<Target, 'name'>) {
  const queries = useQueryClient();
  useEffect(() => {
    const channel = supabase
      .channel(`rows of ${name}`)
      .on('postgres_changes', { event: '*', schema: 'public', table: name }, () => {
        void queries.invalidateQueries({ queryKey: ['rows', name] });
      })
      .subscribe();
    return () => void supabase.removeChannel(channel);
  }, [name, queries]);
}
