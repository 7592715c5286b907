import * as assert from 'uvu/assert';
import { category, id, interactions, multi, sideTable, type Interactions } from '../../lib/data/index.ts';
import { AutoRec, CDAE, type EpochReport, type ModelState, type Recommender, Siamese } from '../../lib/models.ts';
import golden from '../fixtures/networks.json' with { type: 'json' };
import { assertClose } from '../helpers/room.ts';
import { forVariants } from '../helpers/variants.ts';

/** AutoRec, CDAE and Siamese beside torch (test/fixtures/networks.py): three steps from the same parameters. */

const { steps, learningRate, l2 } = golden, common = { epochs: steps, batchSize: 1000, learningRate, l2 };
type Case = { given: Record<string, { shape: number[]; data: number[] }>; losses: number[]; after: Record<string, number[]> };
const range = (n: number): number[] => Array.from({ length: n }, (_, at) => at);

/** A fitted model's state with other parameters. */
const withParameters = (state: ModelState, { given }: Case): ModelState => {
  assert.equal(Object.keys(given).filter((name) => !(name in state.tensors)), []);
  return { ...state, tensors: { ...state.tensors, ...Object.fromEntries(Object.entries(given).map(([name, { shape, data }]) => [name, { shape, data: Float32Array.from(data) }])) } };
};

async function takesTheSameSteps(model: Recommender, data: Interactions, want: Case): Promise<void> {
  const losses: number[] = [];
  await model.partialFit(data, { onEpoch: ({ loss }: EpochReport) => { losses.push(loss); } });
  assertClose(losses, want.losses, 1e-5, 'losses');
  const { tensors } = model.toState();
  for (const [name, data] of Object.entries(want.after)) assertClose(tensors[name].data, data, 2e-5, name, data.map((x) => Math.max(Math.abs(x), 0.1)));
}

forVariants('models/networks beside torch', (test) => {
  for (const want of golden.autoRec) {
    test(`AutoRec by ${want.by}`, async () => {
      const data = interactions(want.pairs.map(([u]) => u), want.pairs.map(([, i]) => i), { values: want.pairs.map(([, , r]) => r) });
      const start = await new AutoRec({ ...common, by: want.by as 'item', hidden: want.hidden, epochs: 1 }).fit(data), state = withParameters(start.toState(), want as unknown as Case);
      await takesTheSameSteps(AutoRec.fromState({ ...state, settings: { ...state.settings, epochs: steps } }), data, want as unknown as Case);
    });
  }

  for (const want of golden.cdae) {
    test(`CDAE, ${want.loss}`, async () => {
      const pairs = want.left.flatMap((left, u) => range(want.left.length + 1).filter((i) => i !== left).map((i) => [u, i])), data = interactions(pairs.map(([u]) => u), pairs.map(([, i]) => i));
      const start = await new CDAE({ ...common, loss: want.loss as 'log', hidden: want.hidden, negatives: want.negatives, corruption: 0, epochs: 1 }).fit(data), state = withParameters(start.toState(), want as unknown as Case);
      await takesTheSameSteps(CDAE.fromState({ ...state, settings: { ...state.settings, epochs: steps } }), data, want as unknown as Case);
    });
  }

  for (const want of golden.siamese) {
    test(`Siamese, ${want.loss}`, async () => {
      const events = want.liked.flatMap((liked, u) => [...liked.map((i): [number, number, number] => [u, i, 4]), [u, want.disliked[u], 3]] as [number, number, number][]);
      const data = interactions(events.map(([u]) => u), events.map(([, i]) => i), { values: events.map(([, , r]) => r) });
      const userTable = sideTable(range(want.jobs.length), { job: want.jobs }), itemTable = sideTable(range(want.genres.length), { genres: want.genres });
      const settings = { ...common, userFeatures: { id: id(), job: category() }, itemFeatures: { genres: multi() }, layers: want.layers.slice(0, -1), embedding: want.layers.at(-1)!, loss: want.loss as 'bpr', margin: want.margin };
      const start = await new Siamese({ ...settings, epochs: 1 }).fit(data, { userTable, itemTable }), state = withParameters(start.toState(), want as unknown as Case);
      await takesTheSameSteps(Siamese.fromState({ ...state, settings: { ...state.settings, epochs: steps } }), data, want as unknown as Case);
    });
  }

  test.run();
});
