import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { backend, loops, variants } from '../../kernels/index.ts';
import { random } from '../../lib/random.ts';
import { agreeWithLoop } from '../helpers/agreement.ts';
import { golden } from '../helpers/golden.ts';
import { floats, ids, maxAbsDiff, numericGrad } from '../helpers/numeric.ts';
import { EPS, assertClose, inRoom, pairs, places } from '../helpers/room.ts';
import { skip } from '../helpers/skip.ts';

const surprise = (x: number): number => Math.max(-x, 0) + Math.log1p(Math.exp(-Math.abs(x))); // -ln σ(x)

for (const [name, kernels] of Object.entries(variants)) {
  if (kernels === null) { skip(`kernels/bpr/${name}`, backend().why); continue; }
  const test = suite(`kernels/bpr/${name}`), { bprGrad, bprLoss } = kernels;

  test('one triple, worked by hand', () => {
    const U = Float32Array.of(1, 2), V = Float32Array.of(3, 0, 0, 1), c = Float32Array.of(0.25, 0.75); // x = -0.5 + <[1, 2], [3, -1]> = 0.5
    const u = Int32Array.of(0), i = Int32Array.of(0), j = Int32Array.of(1), x = new Float32Array(1);
    const dU = new Float32Array(2), dV = new Float32Array(4), dc = new Float32Array(2);
    const L = bprLoss(x, U, V, c, u, i, j, 1, 2);
    assert.is(x[0], 0.5);
    assert.ok(Math.abs(L - 0.47407698418) < 1e-6); // ln(1 + e^-0.5)
    bprGrad(dU, dV, dc, x, U, V, u, i, j, 1, 2, 2);
    const g = 2 * -0.37754066880; // -2 σ(-0.5)
    assert.ok(maxAbsDiff(dU, [3 * g, -g]) < 1e-6);
    assert.ok(maxAbsDiff(dV, [g, 2 * g, -g, -2 * g]) < 1e-6);
    assert.ok(maxAbsDiff(dc, [g, -g]) < 1e-6);
  });

  test('gradients add to what was there', () => {
    const one = Int32Array.of(0), dU = Float32Array.of(100), dV = Float32Array.of(200, 300), dc = Float32Array.of(400, 500);
    bprGrad(dU, dV, dc, Float32Array.of(0), Float32Array.of(2), Float32Array.of(3, 1), one, one, Int32Array.of(1), 1, 1, 1); // g = -1/2
    assert.equal([...dU, ...dV, ...dc], [99, 199, 301, 399.5, 500.5]);
  });

  for (const [B, K] of [[1, 1], [1, 3], [7, 4], [5, 16], [9, 17]]) {
    test(`agrees with finite differences, B=${B} K=${K}`, () => {
      const next = random(B * 100 + K).uniform, nUsers = 3, nItems = 4; // few ids, so rows repeat
      const U = floats(nUsers * K, next), V = floats(nItems * K, next), c = floats(nItems, next), x = new Float32Array(B);
      const u = ids(B, nUsers, next), i = ids(B, nItems, next), j = ids(B, nItems, next);
      const f = (): number => bprLoss(x, U, V, c, u, i, j, B, K);

      const dU = new Float32Array(U.length), dV = new Float32Array(V.length), dc = new Float32Array(c.length);
      f();
      bprGrad(dU, dV, dc, x, U, V, u, i, j, B, K, 1);
      assert.ok(maxAbsDiff(dU, numericGrad(f, U)) < 1e-3);
      assert.ok(maxAbsDiff(dV, numericGrad(f, V)) < 1e-3);
      assert.ok(maxAbsDiff(dc, numericGrad(f, c)) < 1e-3);
    });
  }

  test('agrees with torch', () => {
    const { B, K, dL, ...numbers } = golden.bpr;
    const U = Float32Array.from(numbers.U), V = Float32Array.from(numbers.V), c = Float32Array.from(numbers.c);
    const u = Int32Array.from(numbers.u), i = Int32Array.from(numbers.i), j = Int32Array.from(numbers.j);
    const x = new Float32Array(B), dU = new Float32Array(U.length), dV = new Float32Array(V.length), dc = new Float32Array(c.length);
    assertClose([bprLoss(x, U, V, c, u, i, j, B, K)], [numbers.L], 2e-6, 'L');
    assertClose(x, numbers.x, 2e-6, 'x', 10); // sums of 14 terms of about 1
    bprGrad(dU, dV, dc, x, U, V, u, i, j, B, K, dL);
    assertClose(dU, numbers.dU, 2e-6, 'dU', 5); // sums of four or so terms of about 1
    assertClose(dV, numbers.dV, 2e-6, 'dV', 5);
    assertClose(dc, numbers.dc, 2e-6, 'dc', 5);
  });

  for (const place of places) {
    test(`agrees with the loop, ${place} memory`, () => {
      for (const [B, K] of pairs) {
        const next = random(B * 1000 + K).uniform, nUsers = 3, nItems = 5, dL = 0.5; // i == j about every fifth time
        const U = floats(nUsers * K, next), V = floats(nItems * K, next), c = floats(nItems, next);
        const u = ids(B, nUsers, next), i = ids(B, nItems, next), j = ids(B, nItems, next);
        const dU0 = floats(U.length, next), dV0 = floats(V.length, next), dc0 = floats(nItems, next);
        const run = (variant: typeof loops) => inRoom(place, ({ input, output }) => {
          const x = output(new Float32Array(B).fill(NaN)), dU = output(dU0), dV = output(dV0), dc = output(dc0);
          const users = input(U), items = input(V), rows = [input(u), input(i), input(j)] as const;
          const L = variant.bprLoss(x, users, items, input(c), ...rows, B, K);
          variant.bprGrad(dU, dV, dc, input(x.slice()), users, items, ...rows, B, K, dL);
          return [L, x, dU, dV, dc];
        }) as [number, Float32Array, Float32Array, Float32Array, Float32Array];
        const [L, x, dU, dV, dc] = run(kernels), [wantL, wantX, wantDU, wantDV, wantDc] = run(loops);

        // a float32 sum's rounding is proportional to the sum of its terms' magnitudes
        const xSize = new Float32Array(B), dUSize = abs(dU0), dVSize = abs(dV0), dcSize = abs(dc0);
        for (let b = 0; b < B; b++) {
          xSize[b] = Math.abs(c[i[b]]) + Math.abs(c[j[b]]);
          for (let k = 0; k < K; k++) {
            const a = Math.abs(U[u[b] * K + k]), p = Math.abs(V[i[b] * K + k]), q = Math.abs(V[j[b] * K + k]);
            xSize[b] += a * (p + q);
            dUSize[u[b] * K + k] += dL * (p + q);
            dVSize[i[b] * K + k] += dL * a;
            dVSize[j[b] * K + k] += dL * a;
          }
          dcSize[i[b]] += dL;
          dcSize[j[b]] += dL;
        }
        const sum = (values: Float32Array) => values.reduce((total, value) => total + value, 0);
        assertClose(x, wantX, 4 * EPS, `x, B=${B} K=${K}`, xSize);
        assertClose([L], [wantL], 4 * EPS, `L, B=${B} K=${K}`, wantL + sum(xSize)); // |dL/dx| <= 1 carries the error of x over
        const slack = 1 + Math.max(0, ...xSize); // g = σ(-x) is off by as much as x is
        assertClose(dU, wantDU, 4 * EPS * slack, `dU, B=${B} K=${K}`, dUSize);
        assertClose(dV, wantDV, 4 * EPS * slack, `dV, B=${B} K=${K}`, dVSize);
        assertClose(dc, wantDc, 4 * EPS * slack, `dc, B=${B} K=${K}`, dcSize);
      }
    });
  }

  test('the same item on both sides says nothing', () => {
    for (const K of [1, 4, 19]) {
      const next = random(K).uniform, U = floats(K, next), V = floats(K, next), one = Int32Array.of(0), x = new Float32Array(1);
      const dU = new Float32Array(K), dV = new Float32Array(K), dc = new Float32Array(1);
      assert.ok(Math.abs(bprLoss(x, U, V, Float32Array.of(3), one, one, one, 1, K) - Math.LN2) < 1e-6);
      bprGrad(dU, dV, dc, x, U, V, one, one, one, 1, K, 1);
      assert.equal([x[0], ...dU, ...dV, ...dc], new Array(2 * K + 2).fill(0));
    }
  });

  test('every margin from -87 to 87, against float64', () => {
    let loss = 0, gradient = 0;
    const B = 5, u = new Int32Array(B), i = Int32Array.of(0, 2, 4, 6, 8), j = Int32Array.of(1, 3, 5, 7, 9); // four lanes and the tail, each its own item
    const U = Float32Array.of(1), V = new Float32Array(2 * B), c = new Float32Array(2 * B), x = new Float32Array(B);
    for (let at = -87; at <= 87; at += 1 / 512) {
      V.fill(0);
      for (const item of i) V[item] = at;
      const L = bprLoss(x, U, V, c, u, i, j, B, 1) / B, dV = new Float32Array(2 * B), dc = new Float32Array(2 * B), g = -1 / (1 + Math.exp(V[0]));
      bprGrad(new Float32Array(1), dV, dc, x, U, V, u, i, j, B, 1, 1);
      loss = Math.max(loss, Math.abs(L / surprise(V[0]) - 1));
      gradient = Math.max(gradient, ...Array.from(i, (item) => Math.abs(dV[item] / g - 1)), ...Array.from(j, (item) => Math.abs(dc[item] / -g - 1)));
    }
    if (process.env.TIGHTREC_SHOW) console.log(`${name}: loss ${loss}, gradient ${gradient}`);
    assert.ok(loss < 2 * EPS, `the loss is off by ${loss} of itself`);
    assert.ok(gradient < 2 * EPS, `the gradient is off by ${gradient} of itself`);
  });

  test('a huge margin stays finite', () => {
    for (const w of [88, 89, 104, 1e4, 1e18, -88, -89, -104, -1e4, -1e18]) {
      for (const B of [1, 4, 5]) {
        const u = new Int32Array(B), i = new Int32Array(B), j = new Int32Array(B).fill(1), x = new Float32Array(B), dU = new Float32Array(1), dV = new Float32Array(2), dc = new Float32Array(2);
        const U = Float32Array.of(w), V = Float32Array.of(1, 0), L = bprLoss(x, U, V, new Float32Array(2), u, i, j, B, 1);
        bprGrad(dU, dV, dc, x, U, V, u, i, j, B, 1, 1);
        assertClose([L], [B * surprise(U[0])], 1, `L, margin ${w}`, B * (4 * EPS * surprise(U[0]) + 2 ** -125));
        assertClose([dU[0], dc[0], dc[1]], w > 0 ? [0, 0, 0] : [-B, -B, B], 2 ** -100, `gradients, margin ${w}`, 1);
        assert.ok(dV.every(Number.isFinite));
      }
    }
  });

  test.run();
}

agreeWithLoop('bpr');

function abs(x: Float32Array): Float32Array { return x.map(Math.abs); }
