/** Policies that look for who asks anywhere in the name of a file, which lies in the folder of another. */
import { type Pair, testPairs } from './pairs.ts';

const scans = (
  read: string,
): string => `insert into storage.buckets (id, name, public) values ('scans', 'scans', false);
  create policy "reads" on storage.objects for select to authenticated using (bucket_id = 'scans' and ${read});
  create policy "adds" on storage.objects for insert to authenticated with check (bucket_id = 'scans' and (storage.foldername(name))[1] = (select auth.uid())::text);`;

const folder = scans('(storage.foldername(name))[1] = (select auth.uid())::text');
const start = scans("name like (select auth.uid())::text || '/%'");

const pairs: Pair[] = [
  ['by a pattern', start, scans("name like '%' || auth.uid()::text || '%'"), 'isolation-read storage.objects[scans]'],
  [
    'as any of its folders',
    folder,
    scans('auth.uid()::text = any (storage.foldername(name))'),
    'isolation-read storage.objects[scans]',
  ],
  ['as a part', folder, scans('strpos(name, auth.uid()::text) > 0'), 'isolation-read storage.objects[scans]'],
  [
    'by an expression',
    scans("name ~ ('^' || auth.uid()::text || '/')"),
    scans("name ~* (auth.uid()::text || '/')"),
    'isolation-read storage.objects[scans]',
  ],
];

testPairs(pairs);
