import { scope } from '../../kernels/memory.ts';
import { Adam, type Optimizer, SGD, Tape, Tensor, clipGradNorm, denseGrad, ops } from '../../lib/autodiff/index.ts';
import golden from '../fixtures/lstm.json' with { type: 'json' };
import { assertClose } from '../helpers/room.ts';
import { forVariants } from '../helpers/variants.ts';

const { N, E, H } = golden, LAYERS = 2;
const shapes: Record<keyof typeof golden.parameters, number[]> = {
  table: [N, E], W0: [E, 4 * H], U0: [H, 4 * H], bias0: [4 * H], W1: [H, 4 * H], U1: [H, 4 * H], bias1: [4 * H], output: [H, N], outputBias: [N],
};
type Name = keyof typeof shapes;
type Network = Record<Name, Tensor>;
type Batch = (typeof golden.batches)[number];
const names = Object.keys(shapes) as Name[];

const network = (): Network => Object.fromEntries(names.map((name) => [name, Tensor.lasting(shapes[name], golden.parameters[name])])) as Network;

/** The network of lstm.py: lookups, two layers, a product to all classes, the loss. */
function forward(tape: Tape, w: Network, { sizes, items, y, start }: Batch, carried: boolean, mean: boolean): { loss: Tensor; h: number[]; lastH: number[]; lastC: number[] } {
  const B = sizes[0], lastH: number[] = [], lastC: number[] = [];
  let x = ops.embedding(tape, w.table, Int32Array.from(items));
  for (let layer = 0; layer < LAYERS; layer++) {
    const from = layer === 0 ? { W: w.W0, U: w.U0, bias: w.bias0 } : { W: w.W1, U: w.U1, bias: w.bias1 }, state = (s: 'h' | 'c') => new Tensor([B, H], start[s].slice(layer * B * H, (layer + 1) * B * H));
    const { h, last } = ops.lstm(tape, x, sizes, from, carried ? { h: state('h'), c: state('c') } : null);
    lastH.push(...last.h.data);
    lastC.push(...last.c.data);
    x = h;
  }
  const misfit = ops.softmaxLoss(tape, ops.linear(tape, x, w.output, w.outputBias), Int32Array.from(y));
  return { loss: ops.weightedSum(tape, [[mean ? 1 / y.filter((label) => label >= 0).length : 1, misfit]]), h: [...x.data], lastH, lastC };
}

/** Within 1e-4 of each number, or of a thousandth of the largest beside it: a sum whose terms nearly cancel is only as good as its terms. */
function agrees(got: ArrayLike<number>, want: readonly number[], what: string): void {
  const least = Math.max(...want.map(Math.abs)) / 1000;
  assertClose(got, want, 1e-4, what, want.map((x) => Math.max(Math.abs(x), least)));
}

forVariants('autodiff/lstm beside torch', (test) => {
  for (const want of golden.once) {
    test(`batch ${want.batch}, ${want.carried ? 'state carried' : 'from zeros'}, ${want.mean ? 'mean' : 'sum'}: forward, last states, loss and gradients`, () => scope(() => {
      const w = network(), tape = new Tape(), got = forward(tape, w, golden.batches[want.batch], want.carried, want.mean);
      for (const name of ['h', 'lastH', 'lastC'] as const) agrees(got[name], want[name], name);
      agrees(got.loss.data, [want.loss], 'loss');
      tape.backward(got.loss);
      for (const name of names) agrees(denseGrad(w[name]), want.gradients[name], `gradient of ${name}`);
    }));
  }

  const runs: [name: keyof typeof golden.runs, optimizer: () => Optimizer, clip: number | null][] = [
    ['sgd', () => new SGD({ learningRate: 1 }), 0.4],
    ['adam', () => new Adam({ learningRate: 0.02 }), null],
  ];
  for (const [name, make, clip] of runs) {
    test(`ten steps of ${name}: losses, norms and parameters`, () => {
      const want = golden.runs[name], w = network(), parameters = Object.values(w), optimizer = make(), losses: number[] = [], norms: number[] = [];
      for (let step = 0; step < want.losses.length; step++) {
        scope(() => {
          const tape = new Tape(), { loss } = forward(tape, w, golden.batches[step % golden.batches.length], step % 2 === 1, true);
          tape.backward(loss);
          if (clip !== null) norms.push(clipGradNorm(parameters, clip));
          optimizer.step(parameters);
          losses.push(loss.data[0]);
        });
      }
      agrees(losses, want.losses, 'losses');
      agrees(norms, want.norms, 'norms');
      for (const which of names) agrees(w[which].data, want.parameters[which], which);
    });
  }

  test.run();
});
