import { kernels } from '../../../kernels/index.ts'; // all of them: halfSweep names those of als
import { allOrNone, scope } from '../../../kernels/memory.ts';
import { Tensor } from '../../autodiff/tensor.ts';
import { type Csr, selectRowsCsr } from '../../data/csr.ts';
import { growCsr, transposeCsr } from '../../data/csrTransforms.ts';
import { type Interactions, fromRows } from '../../data/interactions.ts';
import { random } from '../../random.ts';
import type { AlternatingLeastSquares, Sweeps } from '../alternatingLeastSquares.ts';
import { type Catalogue, catalogueOf, recode } from '../catalogue.ts';
import { confidencesOf, pairOf } from '../contributions.ts';
import { checkEvents, encodeLike, idsOf, withSeen } from '../events.ts';
import { type Factors, namedParameters } from '../factors.ts';
import { laidOut, uniformTable } from '../newFactors.ts';
import { type FitOptions, train } from '../train.ts';
import { checkMemory, halfSweep } from './halfSweep.ts';

/** What is no table: this model has no biases. */
const bare = { userBias: null, itemBias: null, globalBias: null } as const;

/** fit: AlternatingLeastSquares.fit. `keep` is given what was learned, after each epoch. */
export async function fit(model: AlternatingLeastSquares, data: Interactions, options: FitOptions, keep: (learned: Sweeps) => void): Promise<void> {
  model.check();
  checkEvents(`${model.name}.fit`, data);
  const { factors: K, seed } = model.settings, catalogue = catalogueOf(data), next = random(seed), bound = Math.sqrt(2 / K);
  const met = confidences(model, 'fit', catalogue);
  checkMemory(`${model.name}.fit`, catalogue.seen, K, (data.users.size + data.items.size) * K);
  const factors: Factors = allOrNone(() => ({ ...bare, user: uniformTable(data.users.size, K, bound, next), item: uniformTable(data.items.size, K, bound, next) }));
  await sweep(model, { factors, catalogue, epochs: 0 }, met, data, options, keep);
}

/** goOn: AlternatingLeastSquares.partialFit of a model that has learned. */
export async function goOn(model: AlternatingLeastSquares, before: Sweeps, data: Interactions, options: FitOptions, keep: (learned: Sweeps) => void): Promise<void> {
  model.check();
  checkEvents(`${model.name}.partialFit`, data);
  const { catalogue } = before, all = withSeen(catalogue, encodeLike(`${model.name}.partialFit`, data, catalogue, 'take new ones in by partialFitUsers and partialFitItems, or fit it again with all the data'));
  const met = confidences(model, 'partialFit', all);
  checkMemory(`${model.name}.partialFit`, all.seen, model.settings.factors, 0);
  await sweep(model, { ...before, catalogue: all }, met, data, options, keep);
}

const confidences = ({ name, settings }: AlternatingLeastSquares, call: string, catalogue: Catalogue): Csr => confidencesOf(`${name}.${call}`, catalogue.seen, settings, (u, i) => pairOf(catalogue, u, i));

async function sweep(model: AlternatingLeastSquares, start: Sweeps, met: Csr, data: Interactions, options: FitOptions, keep: (learned: Sweeps) => void): Promise<void> {
  const { factors } = start, { l2, epochs } = model.settings, { user, item } = factors;
  const { users, items } = laidOut(start, [user, item], () => ({ users: halfSweep(user, item, met, model.settings), items: halfSweep(item, user, transposeCsr(met), model.settings) }));
  let L = 0; // of the items, which is all of it but the users' l2
  const total = met.values.reduce((sum, c) => sum + c, 0) || 1;
  try {
    await train({
      model, epochs, epochsBefore: start.epochs, steps: users.steps + items.steps, data, parameters: namedParameters(factors), optimizer: null, random: null,
      step: (step) => {
        if (step === users.steps) L = 0;
        const part = step < users.steps ? users.step(step) : items.step(step - users.steps);
        L += part.L;
        return part.L / (part.c || 1);
      },
      epochLoss: () => (L + l2 * kernels.sumSquares(user.data, user.size)) / total,
      commit: (done) => keep({ ...start, epochs: done }),
    }, options);
  } finally {
    users.free();
    items.free();
  }
}

/** foldIn: partialFitUsers and partialFitItems: what the model knows then. */
export function foldIn(model: AlternatingLeastSquares, call: string, side: 'user' | 'item', { factors, catalogue: before, epochs }: Sweeps, data: Interactions): Sweeps {
  const where = `${model.name}.${call}`, { l2, factors: K } = model.settings;
  model.check();
  checkEvents(where, data);

  const users = side === 'user' ? before.users.extended(idsOf(data.user, data.users)) : before.users, items = side === 'item' ? before.items.extended(idsOf(data.item, data.items)) : before.items;
  const grown: Catalogue = { users, items, seen: growCsr(before.seen, users.size, items.size) };
  const advice = side === 'user' ? 'take new items in by partialFitItems first' : 'take new users in by partialFitUsers first';
  const events = fromRows({ ...data, users, items, user: recode(where, 'user', data.user, data.users, users, advice), item: recode(where, 'item', data.item, data.items, items, advice) });
  const catalogue = withSeen(grown, events), size = side === 'user' ? users.size : items.size, rows = Int32Array.from(new Set(events[side])).sort();
  const met = confidencesOf(where, selectRowsCsr(side === 'user' ? catalogue.seen : transposeCsr(catalogue.seen), rows), model.settings, (r, other) => (side === 'user' ? pairOf(catalogue, rows[r], other) : pairOf(catalogue, other, rows[r])));
  checkMemory(where, met, K, rows.length * K + (size > factors[side].shape[0] ? size * K : 0));

  const { table, half } = allOrNone(() => {
    const table = Tensor.lasting([rows.length, K]);
    return { table, half: halfSweep(table, factors[side === 'user' ? 'item' : 'user'], met, { l2, solver: 'cholesky', cgSteps: 0 }) };
  });
  try {
    for (let step = 0; step < half.steps; step++) scope(() => half.step(step));
    const old = factors[side], now = size > old.shape[0] ? Tensor.lasting([size, K]) : old;
    if (now !== old) { now.data.set(old.data); old.free(); }
    for (const [r, row] of rows.entries()) now.data.set(table.data.subarray(r * K, r * K + K), row * K);
    return { factors: { ...factors, [side]: now }, catalogue, epochs };
  } finally {
    half.free();
    table.free();
  }
}
