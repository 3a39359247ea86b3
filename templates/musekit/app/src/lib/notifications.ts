import { useQuery, useQueryClient } from '@tanstack/react-query';
import { pageSize } from './records';
import { supabase } from './supabase';

// Realtime tells of rows by table: what `useLive` reads again begins like this.
const key = ['rows', 'notifications'] as const;

/** How many of the user's notifications are not read yet; undefined until that is known. */
export function useUnread(): number | undefined {
  const { data } = useQuery({
    queryKey: [...key, 'unread'],
    queryFn: async () => {
      const { count, error } = await supabase
        .from('notifications')
        .select('id', { count: 'exact', head: true })
        .is('read_at', null);
      if (error) throw error;
      return count ?? 0;
    },
  });
  return data;
}

/** One page of the user's notifications, the newest first, and how many there are. */
export function useNotifications(page: number) {
  return useQuery({
    queryKey: [...key, 'list', page],
    placeholderData: (previous) => previous,
    queryFn: async () => {
      const { data, error, count } = await supabase
        .from('notifications')
        .select('id, title, body, link, read_at, created_at', { count: 'exact' })
        .order('created_at', { ascending: false })
        .order('id')
        .range(page * pageSize, (page + 1) * pageSize - 1);
      if (error) throw error;
      return { rows: data, count: count ?? 0 };
    },
  });
}

/** Marks one notification as read, or all of them. */
export function useMarkRead() {
  const queries = useQueryClient();
  return async (id?: string): Promise<void> => {
    const update = supabase.from('notifications').update({ read_at: new Date().toISOString() }).is('read_at', null);
    const { error } = await (id === undefined ? update : update.eq('id', id));
    if (error) throw error;
    await queries.invalidateQueries({ queryKey: key });
  };
}
