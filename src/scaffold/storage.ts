import { quoteLiteral } from '../shared/quote.ts';
import type { Policy } from './model.ts';
import { fitName } from './names.ts';
import type { Bucket } from './table.ts';

/**
 * The policies of the buckets' files: everyone reads a public bucket, else each user the own folder, which is named by
 * the user's id (Supabase documentation, "Storage Access Control"); only there does a user write.
 */
export function storagePolicies(buckets: readonly Bucket[], muse: string): Policy[] {
  return buckets.flatMap(({ id, public: open }): Policy[] => {
    const inBucket = `bucket_id = ${quoteLiteral(id)}`;
    const own = `${inBucket} and (storage.foldername(name))[1] = (select auth.uid())::text`;
    const name = (verb: string): string => fitName([muse, id], verb);
    const roles = ['authenticated'];
    return [
      {
        name: name('select'),
        verb: 'SELECT',
        roles: open ? ['anon', ...roles] : roles,
        using: open ? inBucket : own,
        check: null,
        directive: open ? 'muse: public-read' : null,
      },
      { name: name('insert'), verb: 'INSERT', roles, using: null, check: own, directive: null },
      { name: name('update'), verb: 'UPDATE', roles, using: own, check: own, directive: null },
      { name: name('delete'), verb: 'DELETE', roles, using: own, check: null, directive: null },
    ];
  });
}
