/**
 * Runs one query and says so, then as many as it is told, one after the other, and answers with the ms of each.
 * @param {(sql: string, values: unknown[]) => Promise<unknown>} query
 */
export async function answerQueries(query) {
  const one = (id) => query('SELECT * FROM public.bench_items WHERE id = $1', [id]);
  await one(1);
  process.on('message', async ({ count }) => {
    const times = [];
    for (let id = 1; id <= count; id++) {
      const start = performance.now();
      await one(id);
      times.push(performance.now() - start);
    }
    process.send({ times });
  });
  process.send({ ready: true });
}
