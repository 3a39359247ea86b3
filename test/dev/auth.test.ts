import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { serveAuth, sharedDatabase, type AuthServer } from './auth-support.ts';

let auth: AuthServer;

beforeAll(async () => {
  auth = await serveAuth();
});

afterAll(async () => {
  await auth.close();
  await (await sharedDatabase()).close();
});

describe('signing up', () => {
  it('signs a new user in at once', async () => {
    const client = auth.visitor();
    const { data, error } = await client.auth.signUp({
      email: 'Ann@Example.com',
      password: 'secret1',
      options: { data: { name: 'Ann' } },
    });
    expect(error).toBeNull();
    expect(data.user).toMatchObject({
      email: 'ann@example.com',
      role: 'authenticated',
      aud: 'authenticated',
      app_metadata: { provider: 'email', providers: ['email'] },
      user_metadata: { name: 'Ann', email_verified: true },
      is_anonymous: false,
    });
    const { data: signedIn, error: wrong } = await client.auth.signInWithPassword({
      email: 'ann@example.com',
      password: 'secret1',
    });
    expect(wrong).toBeNull();
    expect(signedIn.session?.access_token).toBeTruthy();
    const { data: me } = await client.auth.getUser();
    expect(me.user?.email).toBe('ann@example.com');
    const { data: again, error: e } = await client.auth.refreshSession();
    expect(e).toBeNull();
    expect(again.session?.refresh_token).not.toBe(signedIn.session?.refresh_token);
  });
});
