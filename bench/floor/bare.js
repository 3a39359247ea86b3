// PGlite without anything else, in a worker as its documentation advises: the floor of a request.
import { isMainThread, parentPort, Worker } from 'node:worker_threads';
import { PGlite } from '@electric-sql/pglite';
import { answerQueries } from './answer-queries.js';

if (isMainThread) {
  const worker = new Worker(new URL(import.meta.url));
  await answerQueries(
    (sql, values) =>
      new Promise((resolve) => {
        worker.once('message', resolve);
        worker.postMessage({ sql, values });
      }),
  );
} else {
  const database = await PGlite.create();
  await database.exec(
    `CREATE TABLE public.bench_items (id bigint PRIMARY KEY, title text NOT NULL, done boolean NOT NULL DEFAULT false);
     INSERT INTO public.bench_items SELECT n, 'item ' || n, n % 2 = 0 FROM generate_series(1, 1000) n;`,
  );
  parentPort.on('message', async ({ sql, values }) => parentPort.postMessage((await database.query(sql, values)).rows));
}
