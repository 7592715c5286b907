// Fits, recommends, saves and loads with nothing but tightrec, so that it runs wherever JavaScript does. test/package/runtimes.test.ts runs it everywhere, and 'tightrec' is what it imports.
import { AlternatingLeastSquares, BPR, LogisticMF, NextItemLSTM, Popularity, backend, fromBytes, interactions, toBytes } from 'tightrec';

const users = [], items = [];
for (let at = 0; at < 4000; at++) { users.push(at % 97); items.push((at * at + 31 * (at % 97)) % 211); }

/** The FNV-1a sum of bytes. */
const sumOf = (bytes) => bytes.reduce((sum, byte) => Math.imul(sum ^ byte, 16777619), 2166136261) >>> 0;

export async function work() {
  const data = interactions(users, items), sums = {}, differ = [];
  const models = [
    new BPR({ factors: 8, epochs: 2 }), new BPR({ solver: 'sgd', factors: 8, epochs: 2 }), new AlternatingLeastSquares({ factors: 8, epochs: 2 }), new LogisticMF({ factors: 8, epochs: 2, batchSize: 1000 }),
    new NextItemLSTM({ factors: 8, hidden: 8, layers: 1, epochs: 1 }), new Popularity(),
  ];
  for (const [n, model] of models.entries()) {
    await model.fit(data);
    const bytes = toBytes(model), list = JSON.stringify(model.recommendFor(7, { k: 3 }));
    sums[`${n} ${model.name}`] = sumOf(bytes);
    if (list === '[]' || JSON.stringify(fromBytes(bytes).recommendFor(7, { k: 3 })) !== list) differ.push(model.name);
  }
  // long enough for a worker to start, and for a fit to hear of one that could not
  const large = async (threads) => sumOf(toBytes(await new LogisticMF({ factors: 256, epochs: 30, batchSize: 3000 }).fit(data, { threads })));
  const [one, two] = [await large(1), await large(2)];
  if (one !== two) differ.push('two threads');
  sums['one thread'] = one;
  return { sums, differ, backend: backend() };
}
