import type { Session } from '@supabase/supabase-js';
import { useQueryClient } from '@tanstack/react-query';
import { createContext, type ReactNode, use, useEffect, useRef, useState } from 'react';
import { supabase } from './supabase';

interface SessionState {
  /** Null for a visitor; undefined until that is known. */
  session: Session | null | undefined;
  /** Whether the visitor came by a link to reset their password. */
  isRecovering: boolean;
  endRecovery(): void;
}

const SessionContext = createContext<SessionState | null>(null);

export function SessionProvider({ children }: { children: ReactNode }) {
  const [session, setSession] = useState<Session | null>();
  const [isRecovering, setRecovering] = useState(false);
  const queries = useQueryClient();
  const user = useRef<string>(undefined);
  useEffect(() => {
    const { data } = supabase.auth.onAuthStateChange((event, next) => {
      // What one user saw is not for the next one.
      if (user.current !== next?.user.id) queries.clear();
      user.current = next?.user.id;
      if (event === 'PASSWORD_RECOVERY') setRecovering(true);
      setSession(next);
    });
    return () => data.subscription.unsubscribe();
  }, [queries]);
  return (
    <SessionContext value={{ session, isRecovering, endRecovery: () => setRecovering(false) }}>
      {children}
    </SessionContext>
  );
}

export function useSession(): SessionState {
  const state = use(SessionContext);
  if (state === null) throw new Error('useSession needs a SessionProvider.');
  return state;
}

/** The signed-in user; only for pages that visitors never reach. */
export function useUser(): Session['user'] {
  const { session } = useSession();
  if (!session) throw new Error('useUser needs someone who is signed in.');
  return session.user;
}
