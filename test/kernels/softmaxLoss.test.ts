import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { backend, loops, variants } from '../../kernels/index.ts';
import { random } from '../../lib/random.ts';
import { agreeWithLoop } from '../helpers/agreement.ts';
import { golden } from '../helpers/golden.ts';
import { floats, ids, maxAbsDiff, numericGrad } from '../helpers/numeric.ts';
import { EPS, assertClose, inRoom, pairs, places } from '../helpers/room.ts';
import { skip } from '../helpers/skip.ts';

interface Row { most: number; ln: number; lse: number; p: number[] }

/** A row again, in float64: its highest logit, ln Σ e^(x - most), and the shares. */
function exact(X: Float32Array, b: number, N: number): Row {
  const row = Array.from(X.subarray(b * N, (b + 1) * N)), most = Math.max(...row), ln = Math.log(row.reduce((sum, x) => sum + Math.exp(x - most), 0));
  return { most, ln, lse: most + ln, p: row.map((x) => Math.exp(x - most - ln)) };
}

/** Classes for B rows; every fifth row or so is left out, all of them where there are no classes. */
const classes = (B: number, N: number, next: () => number): Int32Array => ids(B, N, next).map((id) => (N === 0 || next() < 0.2 ? -1 : id));

for (const [name, kernels] of Object.entries(variants)) {
  if (kernels === null) { skip(`kernels/softmaxLoss/${name}`, backend().why); continue; }
  const test = suite(`kernels/softmaxLoss/${name}`), { softmaxLoss, softmaxLossGrad } = kernels;
  const near = (got: number, want: number, tolerance = 1e-6): void => assert.ok(Math.abs(got - want) <= tolerance, `got ${got}, expected ${want}`);

  test('two rows of three classes, worked by hand', () => {
    // the shares of e^0, e^ln2, e^ln5 are 1/8, 2/8, 5/8; the second row is the first, turned over and three higher
    const X = Float32Array.of(0, Math.log(2), Math.log(5), 3 + Math.log(5), 3 + Math.log(2), 3), y = Int32Array.of(1, 2), lse = new Float32Array(2).fill(NaN);
    near(softmaxLoss(lse, X, y, 2, 3), Math.log(8 / 2) + Math.log(8 / 1));
    near(lse[0], Math.log(8));
    near(lse[1], 3 + Math.log(8));
    const dX = Float32Array.of(100, 0, 0, 0, 0, -100);
    softmaxLossGrad(dX, lse, X, y, 2, 3, 2); // on top of what was there
    assert.ok(maxAbsDiff(dX, [100.25, 2 * (0.25 - 1), 1.25, 1.25, 0.5, 2 * (0.125 - 1) - 100]) < 1e-5);
  });

  test('a row left out costs nothing and has no gradient; its lse is there', () => {
    const N = 6, X = floats(3 * N, random(5).uniform), y = Int32Array.of(-1, 2, -7), lse = new Float32Array(3), dX = floats(3 * N, random(6).uniform), before = dX.slice();
    near(softmaxLoss(lse, X, y, 3, N), exact(X, 1, N).lse - X[N + 2]);
    for (let b = 0; b < 3; b++) near(lse[b], exact(X, b, N).lse);
    softmaxLossGrad(dX, lse, X, y, 3, N, 1);
    assert.equal([...dX.subarray(0, N)], [...before.subarray(0, N)]);
    assert.equal([...dX.subarray(2 * N)], [...before.subarray(2 * N)]);
    assert.ok(dX.subarray(N, 2 * N).every((value, n) => value !== before[N + n]));
  });

  for (const [B, N] of [[1, 2], [3, 3], [2, 5], [4, 17]]) {
    test(`agrees with finite differences, B=${B} N=${N}`, () => {
      const next = random(B * 100 + N).uniform, X = floats(B * N, next).map((value) => value * 6), y = classes(B, N, next), lse = new Float32Array(B), dX = new Float32Array(B * N);
      y[0] = N - 1;
      const f = (): number => softmaxLoss(new Float32Array(B), X, y, B, N);
      softmaxLoss(lse, X, y, B, N);
      softmaxLossGrad(dX, lse, X, y, B, N, 1);
      assert.ok(maxAbsDiff(dX, numericGrad(f, X)) < 1e-3);
    });
  }

  test('agrees with torch, from -1e4 to 1e4', () => {
    const { B, N, dL, ...numbers } = golden.softmaxLoss, X = Float32Array.from(numbers.X), y = Int32Array.from(numbers.y), lse = new Float32Array(B), dX = new Float32Array(B * N);
    assertClose([softmaxLoss(lse, X, y, B, N)], [numbers.L], EPS, 'L');
    for (let b = 0; b < B; b++) assertClose([lse[b]], [numbers.lse[b]], 4 * EPS, `lse at ${b}`, 1 + Math.abs(exact(X, b, N).most));
    softmaxLossGrad(dX, lse, X, y, B, N, dL);
    for (let at = 0; at < dX.length; at++) {
      const b = Math.floor(at / N), p = exact(X, b, N).p[at % N]; // lse is a float32: p is off by as much as lse is
      assertClose([dX[at]], [numbers.dX[at]], 1, `dX at ${at}`, dL * (4 * EPS * (1 + Math.abs(lse[b])) * p + (at % N === y[b] ? EPS : 0)) + 2 ** -125);
    }
  });

  for (const place of places) {
    test(`agrees with the loop, ${place} memory`, () => {
      for (const [B, N] of [...pairs, [2, 1000], [3, 4097]]) {
        for (const spread of [1, 20, 300]) {
          const next = random(B * 10000 + N + spread).uniform, X = floats(B * N, next).map((value) => value * spread), y = classes(B, N, next), dX0 = floats(B * N, next), dL = 0.5;
          const forward = (variant: typeof loops) => inRoom(place, ({ input, output }) => {
            const lse = output(new Float32Array(B).fill(NaN));
            return [variant.softmaxLoss(lse, input(X), input(y), B, N), lse];
          }) as [number, Float32Array];
          const [L, lse] = forward(kernels), [wantL, wantLse] = forward(loops), what = `B=${B} N=${N} spread=${spread}`;
          const backward = (variant: typeof loops) => inRoom(place, ({ input, output }) => { // both from the loop's lse
            const dX = output(dX0);
            variant.softmaxLossGrad(dX, input(wantLse), input(X), input(y), B, N, dL);
            return [dX];
          }) as Float32Array[];
          const [dX] = backward(kernels), [wantDX] = backward(loops), rows = Array.from({ length: B }, (_, b) => exact(X, b, N));
          // the exponentials of a row are good to two units each, so their sum is, and its logarithm in absolute terms; the highest logit is exact in L
          assertClose([L], [wantL], 4 * EPS, `L, ${what}`, rows.reduce((sum, { ln }, b) => (y[b] < 0 ? sum : sum + 1 + ln), 0));
          assertClose(lse, wantLse, 4 * EPS, `lse, ${what}`, rows.map(({ most, ln }) => Math.abs(most) + 1 + ln));
          assertClose(dX, wantDX, 4 * EPS, `dX, ${what}`, dX0.map((before, at) => {
            const b = Math.floor(at / N);
            return Math.abs(before) + (y[b] < 0 ? 0 : dL * (rows[b].p[at % N] + (at % N === y[b] ? 1 : 0)));
          }));
        }
      }
    });
  }

  test('a million classes cost no digits', () => {
    const N = 2 ** 20 + 13, y = Int32Array.of(N - 1), lse = new Float32Array(1), dX = new Float32Array(N), want = new Float32Array(1);
    const same = new Float32Array(N).fill(-0.1), X = floats(N, random(1).uniform).map((value) => value * 4);
    same[0] = 0; // e^-0.1 a million times: one sum in float32 would round each time in the same direction
    for (const row of [same, X]) {
      const wantL = loops.softmaxLoss(want, row, y, 1, N);
      assertClose([softmaxLoss(lse, row, y, 1, N)], [wantL], 2 * EPS, 'L');
      assertClose(lse, want, 2 * EPS, 'lse');
    }
    softmaxLossGrad(dX, lse, X, y, 1, N, 1);
    near(dX.reduce((sum, value) => sum + value, 0), 0, 1e-5); // shares add to one, and the one is taken away
  });

  test('equal logits: every class has the same share, wherever they stand', () => {
    for (const N of [1, 2, 4, 5, 16, 17, 129, 1000]) {
      for (const at of [0, -0, 1, -7.5, 88, -104, 1e4, -1e4, 3e38]) {
        const X = new Float32Array(N).fill(at), y = Int32Array.of(N - 1), lse = new Float32Array(1), dX = new Float32Array(N);
        near(softmaxLoss(lse, X, y, 1, N), Math.log(N), 4 * EPS * (1 + Math.log(N)));
        assertClose(lse, [X[0] + Math.log(N)], 2 * EPS, 'lse', 1 + Math.abs(at) + Math.log(N));
        if (Math.abs(at) > 1e4) continue; // lse has no room for ln N any more
        softmaxLossGrad(dX, lse, X, y, 1, N, 1);
        assertClose(dX, X.map((_, n) => 1 / N - (n === N - 1 ? 1 : 0)), 1, `dX, N=${N} at ${at}`, EPS * (4 + Math.abs(lse[0])));
      }
    }
  });

  test('one class cannot surprise', () => {
    for (const at of [0, 1, -3.25, 1e4, -1e4, 3e38]) {
      const B = 3, X = new Float32Array(B).fill(at), y = new Int32Array(B), lse = new Float32Array(B).fill(NaN), dX = new Float32Array(B).fill(7);
      assert.is(softmaxLoss(lse, X, y, B, 1), 0);
      assert.equal([...lse], [...X]);
      softmaxLossGrad(dX, lse, X, y, B, 1, 5);
      assert.equal([...dX], [7, 7, 7]);
    }
  });

  test('no rows, and rows of no classes', () => {
    const lse = new Float32Array(2).fill(NaN), none = new Float32Array(0);
    assert.is(softmaxLoss(lse, none, new Int32Array(0), 0, 5), 0);
    assert.equal([...lse], [NaN, NaN]);
    assert.is(softmaxLoss(lse, none, Int32Array.of(-1, -1), 2, 0), 0);
    assert.equal([...lse], [-Infinity, -Infinity]); // ln 0
    softmaxLossGrad(none, lse, none, Int32Array.of(-1, -1), 2, 0, 1);
  });

  test('extreme logits stay finite and right', () => {
    for (const N of [2, 4, 7, 21]) {
      for (const size of [88, 89, 104, 1e4, 1e30, 3e38]) {
        for (const high of [0, N - 1]) {
          const X = new Float32Array(N).fill(-size), lse = new Float32Array(2), both = new Float32Array(2 * N), dX = new Float32Array(2 * N), y = Int32Array.of(high, high === 0 ? 1 : 0);
          X[high] = size;
          both.set(X);
          both.set(X, N);
          near(softmaxLoss(lse, both, y, 2, N), 2 * X[high], 2 * EPS * N); // the first row as sure as can be, the second as wrong
          assertClose(lse, [X[high], X[high]], EPS, 'lse');
          softmaxLossGrad(dX, lse, both, y, 2, N, 1);
          assert.equal([...dX.subarray(0, N)], new Array(N).fill(0));
          assert.equal([...dX.subarray(N)], Array.from({ length: N }, (_, n) => (n === high ? 1 : n === y[1] ? -1 : 0)));
        }
      }
    }
  });

  test('a class at -Infinity cannot be: no share, no gradient', () => {
    for (const N of [2, 4, 7, 21]) {
      const X = floats(N, random(N).uniform), y = Int32Array.of(1), lse = new Float32Array(1), dX = new Float32Array(N);
      X[0] = -Infinity;
      const rest = exact(X.subarray(1), 0, N - 1);
      near(softmaxLoss(lse, X, y, 1, N), rest.lse - X[1], 4 * EPS * (1 + rest.ln));
      softmaxLossGrad(dX, lse, X, y, 1, N, 0.5);
      assert.is(dX[0], 0);
      assertClose(dX.subarray(1), rest.p.map((p, n) => 0.5 * (p - (n === 0 ? 1 : 0))), 4 * EPS, 'dX', 1);
    }
  });

  test('every margin from -87 to 87, against float64', () => {
    let loss = 0, gradient = 0;
    const N = 5, X = new Float32Array(N), lse = new Float32Array(1), dX = new Float32Array(N); // four lanes and the tail
    for (let x = -87; x <= 87; x += 1 / 64) {
      for (const at of [0, 4]) {
        X.fill(0);
        X[at] = x + 1 / 1031;
        const { ln, most, p } = exact(X, 0, N), y = Int32Array.of(at);
        loss = Math.max(loss, Math.abs(softmaxLoss(lse, X, y, 1, N) - (most - X[at] + ln)) / (1 + Math.abs(X[at])));
        dX.fill(0);
        softmaxLossGrad(dX, lse, X, Int32Array.of(1), 1, N, 1);
        for (let n = 0; n < N; n++) if (n !== 1) gradient = Math.max(gradient, (Math.abs(dX[n] - p[n]) - 2 ** -125) / (p[n] * (1 + Math.abs(X[n] - lse[0]) + Math.abs(lse[0])))); // two float32 roundings in the exponent
      }
    }
    if (process.env.TIGHTREC_SHOW) console.log(`${name}: loss ${loss / EPS} EPS, gradient ${gradient / EPS} EPS`);
    assert.ok(loss < 2 * EPS, `the loss is off by ${loss}`);
    assert.ok(gradient < 2 * EPS, `the gradient is off by ${gradient}`);
  });

  test('NaN is not hidden, and stays in its row', () => {
    for (const N of [1, 4, 5, 18]) {
      for (const at of [0, N - 1]) {
        const X = new Float32Array(3 * N), y = new Int32Array(3), lse = new Float32Array(3), dX = new Float32Array(3 * N);
        X[N + at] = NaN;
        assert.ok(Number.isNaN(softmaxLoss(lse, X, y, 3, N)), `L, N=${N} at=${at}`);
        assert.equal([...lse].map(Number.isNaN), [false, true, false]);
        softmaxLossGrad(dX, lse, X, y, 3, N, 1);
        assert.equal([...dX].map(Number.isNaN), [...dX].map((_, n) => Math.floor(n / N) === 1), `N=${N} at=${at}`);
      }
    }
  });

  test.run();
}

agreeWithLoop('softmaxLoss');
