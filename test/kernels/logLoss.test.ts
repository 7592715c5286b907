import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { backend, loops, variants } from '../../kernels/index.ts';
import { random } from '../../lib/random.ts';
import { agreeWithLoop } from '../helpers/agreement.ts';
import { golden } from '../helpers/golden.ts';
import { floats, maxAbsDiff, numericGrad } from '../helpers/numeric.ts';
import { EPS, assertClose, inRoom, places, sizes } from '../helpers/room.ts';
import { skip } from '../helpers/skip.ts';

/** The terms of the loss and of its gradient in float64, for labels 0 and 1, without a subtraction that could lose anything. */
const surprise = (x: number, y: number): number => { const z = y === 1 ? -x : x; return Math.max(z, 0) + Math.log1p(Math.exp(-Math.abs(z))); };
const slope = (x: number, y: number): number => (y === 1 ? -1 / (1 + Math.exp(x)) : 1 / (1 + Math.exp(-x)));

for (const [name, kernels] of Object.entries(variants)) {
  if (kernels === null) { skip(`kernels/logLoss/${name}`, backend().why); continue; }
  const test = suite(`kernels/logLoss/${name}`), { logLoss, logLossGrad } = kernels;

  test('worked by hand', () => {
    const near = (got: number, want: number): void => assert.ok(Math.abs(got - want) < 1e-6, `got ${got}, expected ${want}`);
    near(logLoss(Float32Array.of(0), Float32Array.of(0.3), 1), Math.LN2); // a coin: ln 2, whatever the label
    near(logLoss(Float32Array.of(1), Float32Array.of(1), 1), 0.31326168752); // ln(1 + e^-1)
    near(logLoss(Float32Array.of(1), Float32Array.of(0), 1), 1.31326168752);
    near(logLoss(Float32Array.of(1, 1, 0, 1, 1), Float32Array.of(1, 0, 1, 0.5, 1), 5), 0.31326168752 * 2 + 1.31326168752 + Math.LN2 + 0.81326168752);
  });

  test('the gradient, worked by hand, on top of what was there', () => {
    const dx = Float32Array.of(100, 0, 0, 0, 0);
    logLossGrad(dx, Float32Array.of(0, 1, -1, 0, 1), Float32Array.of(0, 1, 0.5, 1, 0), 5, 2);
    assert.ok(maxAbsDiff(dx, [101, 2 * (0.73105857863 - 1), 2 * (0.26894142137 - 0.5), -1, 2 * 0.73105857863]) < 1e-5);
  });

  for (const B of [1, 3, 7, 17]) {
    test(`agrees with finite differences, B=${B}`, () => {
      const next = random(B).uniform, x = floats(B, next).map((value) => value * 8), y = Float32Array.from({ length: B }, next);
      const dx = new Float32Array(B);
      logLossGrad(dx, x, y, B, 1);
      assert.ok(maxAbsDiff(dx, numericGrad(() => logLoss(x, y, B), x)) < 1e-3);
    });
  }

  test('agrees with torch, from 1e-30 to 1e4', () => {
    const { B, ...numbers } = golden.logLoss, x = Float32Array.from(numbers.x), y = Float32Array.from(numbers.y), dx = new Float32Array(B);
    // each term alone, relative to itself; the vector exp stops at 2^-126, where float32 runs out of digits, so there the difference is absolute
    for (let b = 0; b < B; b++) {
      const term = logLoss(x.subarray(b, b + 1), y.subarray(b, b + 1), 1), size = Math.abs(numbers.each[b]) + Math.abs(y[b] % 1 * x[b]);
      assertClose([term], [numbers.each[b]], 1, `x=${x[b]} y=${y[b]}`, 4 * EPS * size + 2 ** -125);
    }
    assertClose([logLoss(x, y, B)], [numbers.L], EPS, 'L');
    logLossGrad(dx, x, y, B, 1);
    for (let b = 0; b < B; b++) {
      const size = Math.abs(numbers.dx[b]) + (y[b] % 1); // a label between 0 and 1 is subtracted, and what is lost is a part of it
      assertClose([dx[b]], [numbers.dx[b]], 1, `dx, x=${x[b]} y=${y[b]}`, 4 * EPS * size + 2 ** -53); // the loop's σ(x) - 1 in float64
    }
  });

  for (const place of places) {
    test(`agrees with the loop, ${place} memory`, () => {
      for (const B of sizes) {
        for (const spread of [1, 20, 300]) {
          const next = random(B + spread).uniform, x = floats(B, next).map((value) => value * spread), dx0 = floats(B, next), dL = 0.5;
          const y = Float32Array.from({ length: B }, (_, b) => (b % 3 === 2 ? next() : b % 2));
          const run = (variant: typeof loops) => inRoom(place, ({ input, output }) => {
            const dx = output(dx0), logits = input(x), labels = input(y);
            const L = variant.logLoss(logits, labels, B);
            variant.logLossGrad(dx, logits, labels, B, dL);
            return [L, dx];
          }) as [number, Float32Array];
          const [L, dx] = run(kernels), [wantL, wantDx] = run(loops);
          // exp and log are polynomials in float32, each good to one or two units in the last place
          assertClose([L], [wantL], 4 * EPS, `L, B=${B} spread=${spread}`, x.reduce((sum, value, b) => sum + (y[b] % 1 === 0 ? surprise(value, y[b]) : 1 + Math.abs(value)) + 2 ** -100, 0));
          assertClose(dx, wantDx, 4 * EPS, `dx, B=${B} spread=${spread}`, dx0.map((before, b) => Math.abs(before) + dL * (y[b] + 1 / (1 + Math.exp(-x[b])))));
        }
      }
    });
  }

  test('every logit from -87 to 87, against float64', () => {
    let loss = 0, gradient = 0, lossAt = 0, gradientAt = 0;
    for (let x = -87; x <= 87; x += 1 / 512) {
      for (const y of [0, 1]) {
        const at = x + (y - 0.5) / 1031, xs = new Float32Array(5).fill(at), dx = new Float32Array(5); // four lanes and the tail
        const L = logLoss(xs, new Float32Array(5).fill(y), 5) / 5;
        logLossGrad(dx, xs, new Float32Array(5).fill(y), 5, 1);
        // σ(x) - 1 in float64, as the loop has it, can be off by half a unit of 1
        const want = slope(xs[0], y), lossError = Math.abs(L / surprise(xs[0], y) - 1), gradientError = Math.max(...dx.map((value) => (Math.abs(value - want) - 2 ** -53) / Math.abs(want)));
        if (!(lossError <= loss)) { loss = lossError; lossAt = xs[0]; }
        if (!(gradientError <= gradient)) { gradient = gradientError; gradientAt = xs[0]; }
      }
    }
    if (process.env.TIGHTREC_SHOW) console.log(`${name}: loss ${loss} at ${lossAt}, gradient ${gradient} at ${gradientAt}`);
    assert.ok(loss < 2 * EPS, `the loss is off by ${loss} of itself at ${lossAt}`);
    assert.ok(gradient < 2 * EPS, `the gradient is off by ${gradient} of itself at ${gradientAt}`);
  });

  test('extreme logits stay finite and right', () => {
    for (const size of [88, 88.5, 89, 100, 103, 104, 1000, 1e4, 3e38]) {
      for (const B of [1, 4, 6]) {
        for (const x of [size, -size]) {
          for (const y of [0, 1]) {
            const xs = new Float32Array(B).fill(x), ys = new Float32Array(B).fill(y), dx = new Float32Array(B);
            assertClose([logLoss(xs, ys, B)], [B * surprise(xs[0], y)], 1, `x=${x} y=${y}`, 4 * EPS * B * surprise(xs[0], y) + B * 2 ** -125);
            logLossGrad(dx, xs, ys, B, 1);
            for (const got of dx) assertClose([got], [slope(xs[0], y)], 1, `dx, x=${x} y=${y}`, 4 * EPS * Math.abs(slope(xs[0], y)) + 2 ** -53);
          }
        }
      }
    }
    for (const x of [0, -0, 1e-30, -1e-30, 1e-45]) assertClose([logLoss(new Float32Array(5).fill(x), new Float32Array(5), 5)], [5 * Math.LN2], EPS, `x=${x}`);
  });

  test('NaN in a logit or a label is not hidden', () => {
    for (const B of [1, 4, 5, 9]) {
      for (const at of [0, B - 1]) {
        const x = new Float32Array(B), y = new Float32Array(B), dx = new Float32Array(B);
        x[at] = NaN;
        assert.ok(Number.isNaN(logLoss(x, y, B)), `logit, B=${B} at=${at}`);
        assert.ok(Number.isNaN(logLoss(y, x, B)), `label, B=${B} at=${at}`);
        logLossGrad(dx, x, y, B, 1);
        assert.equal([...dx], Array.from(dx, (_, b) => (b === at ? NaN : 0.5)));
      }
    }
  });

  test.run();
}

agreeWithLoop('logLoss');
