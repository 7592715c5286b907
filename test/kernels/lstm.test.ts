import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { backend, loops, variants } from '../../kernels/index.ts';
import { random } from '../../lib/random.ts';
import { agreeWithLoop } from '../helpers/agreement.ts';
import { golden } from '../helpers/golden.ts';
import { floats, maxAbsDiff, numericGrad } from '../helpers/numeric.ts';
import { EPS, assertClose, inRoom, pairs, places } from '../helpers/room.ts';
import { skip } from '../helpers/skip.ts';

const zeros = (n: number): Float32Array => new Float32Array(n);
const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));

/** What is added up to make c and the gradients: a float32 sum's rounding is proportional to the sum of its terms' magnitudes. */
function sizes(a: ArrayLike<number>, c0: ArrayLike<number>, dh: ArrayLike<number>, dc: ArrayLike<number>, B: number, H: number) {
  const c = zeros(B * H), h = zeros(B * H), dz = zeros(4 * B * H), dc0 = zeros(B * H);
  for (let b = 0; b < B; b++) {
    for (let k = 0; k < H; k++) {
      const at = b * H + k, i = b * 4 * H + k, f = i + H, g = f + H, o = g + H;
      c[at] = Math.abs(a[f] * c0[at]) + Math.abs(a[i] * a[g]);
      h[at] = a[o] * c[at]; // |tanh c| and the error of tanh c are at most those of c
      const s = Math.abs(dc[at]) + Math.abs(dh[at] * a[o]);
      dz[i] = s * Math.abs(a[g]) * a[i];
      dz[f] = s * Math.abs(c0[at]) * a[f];
      dz[g] = s * a[i];
      dz[o] = Math.abs(dh[at]) * a[o];
      dc0[at] = s * a[f];
    }
  }
  return { c, h, dz, dc0 };
}

/** z of one sequence of H units, all gates given. */
const gates = (H: number, i: number, f: number, g: number, o: number): Float32Array => Float32Array.from({ length: 4 * H }, (_, at) => [i, f, g, o][Math.floor(at / H)]);

for (const [name, kernels] of Object.entries(variants)) {
  if (kernels === null) { skip(`kernels/lstm/${name}`, backend().why); continue; }
  const test = suite(`kernels/lstm/${name}`), { lstmCell, lstmCellGrad } = kernels;

  for (const H of [1, 4, 6]) {
    test(`worked by hand, ${H} units that are alike`, () => {
      // i = 1/2, f = 3/4, g = 1/2, o = 1/4; c = 3/4 · 2 + 1/2 · 1/2 = 1.75
      const z = gates(H, 0, Math.log(3), Math.atanh(0.5), -Math.log(3)), c0 = zeros(H).fill(2), h = zeros(H), c = zeros(H), a = zeros(4 * H);
      lstmCell(h, c, a, z, c0, 1, H);
      assert.ok(maxAbsDiff(a, gates(H, 0.5, 0.75, 0.5, 0.25)) < 1e-6);
      assert.ok(maxAbsDiff(c, zeros(H).fill(1.75)) < 1e-6);
      assert.ok(maxAbsDiff(h, zeros(H).fill(0.25 * 0.94137553850)) < 1e-6); // tanh 1.75
      // dh = 2, dc = 1: s = 1 + 2 · 1/4 · (1 - tanh² 1.75)
      const dz = zeros(4 * H), dc0 = zeros(H), s = 1.05690604776;
      lstmCellGrad(dz, dc0, a, c, c0, zeros(H).fill(2), zeros(H).fill(1), 1, H);
      assert.ok(maxAbsDiff(dz, gates(H, s * 0.5 * 0.25, s * 2 * 0.1875, s * 0.5 * 0.75, 2 * 0.94137553850 * 0.1875)) < 1e-6);
      assert.ok(maxAbsDiff(dc0, zeros(H).fill(s * 0.75)) < 1e-6);
    });

    test(`gradients add to what was there, ${H} units`, () => {
      const dz = gates(H, 100, 200, 300, 400), dc0 = zeros(H).fill(500);
      lstmCellGrad(dz, dc0, gates(H, 0.5, 0.5, 0.5, 0.5), zeros(H), zeros(H).fill(2), zeros(H), zeros(H).fill(1), 1, H); // s = 1
      assert.equal([...dz], [...gates(H, 100.125, 200.5, 300.375, 400)]);
      assert.equal([...dc0], new Array(H).fill(500.5));
      lstmCellGrad(dz, dc0, gates(H, 0.5, 0.5, 0.5, 0.5), zeros(H).fill(40), zeros(H).fill(2), zeros(H).fill(1), zeros(H), 1, H); // tanh c = 1: only o hears
      assert.equal([...dz], [...gates(H, 100.125, 200.5, 300.375, 400.25)]);
      assert.equal([...dc0], new Array(H).fill(500.5));
    });
  }

  for (const [B, H] of [[1, 1], [1, 3], [3, 4], [2, 9]]) {
    test(`agrees with finite differences, B=${B} H=${H}`, () => {
      const next = random(B * 100 + H).uniform, z = floats(4 * B * H, next).map((value) => value * 6), c0 = floats(B * H, next), dh = floats(B * H, next), dc = floats(B * H, next);
      const h = zeros(B * H), c = zeros(B * H), a = zeros(4 * B * H);
      const f = (): number => { lstmCell(h, c, a, z, c0, B, H); return h.reduce((sum, value, at) => sum + dh[at] * value + dc[at] * c[at], 0); };
      f();
      const dz = zeros(z.length), dc0 = zeros(c0.length);
      lstmCellGrad(dz, dc0, a, c, c0, dh, dc, B, H);
      assert.ok(maxAbsDiff(dz, numericGrad(f, z)) < 1e-3);
      assert.ok(maxAbsDiff(dc0, numericGrad(f, c0)) < 1e-3);
    });
  }

  test('agrees with torch', () => {
    const { B, H, ...numbers } = golden.lstm, z = Float32Array.from(numbers.z), c0 = Float32Array.from(numbers.c0), dh = Float32Array.from(numbers.dh), dc = Float32Array.from(numbers.dc);
    const h = zeros(B * H), c = zeros(B * H), a = zeros(4 * B * H), dz = zeros(4 * B * H), dc0 = zeros(B * H), size = sizes(numbers.a, c0, dh, dc, B, H);
    lstmCell(h, c, a, z, c0, B, H);
    for (let at = 0; at < a.length; at++) assertClose([a[at]], [numbers.a[at]], 1, `a at ${at}`, 4 * EPS * Math.abs(numbers.a[at]) + 2 ** -125); // where the vector exp stops
    assertClose(c, numbers.c, 4 * EPS, 'c', size.c.map((value) => value + 2 ** -100));
    assertClose(h, numbers.h, 4 * EPS, 'h', size.h.map((value) => value + 2 ** -100));
    lstmCellGrad(dz, dc0, a, c, c0, dh, dc, B, H);
    for (let at = 0; at < dz.length; at++) assertClose([dz[at]], [numbers.dz[at]], 1, `dz at ${at}`, 8 * EPS * size.dz[at] + 2 ** -125);
    assertClose(dc0, numbers.dc0, 8 * EPS, 'dc0', size.dc0.map((value) => value + 2 ** -100));
  });

  for (const place of places) {
    test(`agrees with the loop, ${place} memory`, () => {
      for (const [B, H] of pairs) {
        for (const spread of [1, 20]) {
          const next = random(B * 1000 + H + spread).uniform, z = floats(4 * B * H, next).map((value) => value * spread), c0 = floats(B * H, next).map((value) => value * 4);
          const dh = floats(B * H, next), dc = floats(B * H, next), dz0 = floats(4 * B * H, next), dc00 = floats(B * H, next);
          const forward = (variant: typeof loops) => inRoom(place, ({ input, output }) => {
            const h = output(zeros(B * H).fill(NaN)), c = output(zeros(B * H).fill(NaN)), a = output(zeros(4 * B * H).fill(NaN));
            variant.lstmCell(h, c, a, input(z), input(c0), B, H);
            return [h, c, a];
          }) as Float32Array[];
          const [h, c, a] = forward(kernels), [wantH, wantC, wantA] = forward(loops);
          const backward = (variant: typeof loops) => inRoom(place, ({ input, output }) => { // both from the loop's a and c
            const dz = output(dz0), dc0 = output(dc00);
            variant.lstmCellGrad(dz, dc0, input(wantA), input(wantC), input(c0), input(dh), input(dc), B, H);
            return [dz, dc0];
          }) as Float32Array[];
          const [dz, dc0] = backward(kernels), [wantDz, wantDc0] = backward(loops), size = sizes(wantA, c0, dh, dc, B, H), what = `B=${B} H=${H} spread=${spread}`;
          assertClose(a, wantA, 4 * EPS, `a, ${what}`);
          assertClose(c, wantC, 4 * EPS, `c, ${what}`, size.c);
          assertClose(h, wantH, 4 * EPS, `h, ${what}`, size.h);
          assertClose(dz, wantDz, 4 * EPS, `dz, ${what}`, size.dz.map((value, at) => value + Math.abs(dz0[at])));
          assertClose(dc0, wantDc0, 4 * EPS, `dc0, ${what}`, size.dc0.map((value, at) => value + Math.abs(dc00[at])));
        }
      }
    });

    test(`in place, c over c0 and a over z, gives the same bits, ${place} memory`, () => {
      for (const [B, H] of [[1, 1], [3, 4], [2, 7], [5, 18]]) {
        const next = random(B * 100 + H).uniform, z = floats(4 * B * H, next), c0 = floats(B * H, next);
        const apart = inRoom(place, ({ input, output }) => {
          const h = output(zeros(B * H)), c = output(zeros(B * H)), a = output(zeros(4 * B * H));
          lstmCell(h, c, a, input(z), input(c0), B, H);
          return [h, c, a];
        });
        const over = inRoom(place, ({ output }) => {
          const h = output(zeros(B * H)), c = output(c0), a = output(z);
          lstmCell(h, c, a, a, c, B, H);
          return [h, c, a];
        });
        assert.equal(over, apart);
      }
    });
  }

  test('every sum of a gate from -87 to 87, and tiny ones, against float64', () => {
    const H = 5, h = zeros(H), c = zeros(H), a = zeros(4 * H), dz = zeros(4 * H), dc0 = zeros(H), worst = { sigmoid: 0, tanh: 0, h: 0, slope: 0 }; // four lanes and the tail
    const off = (got: Float32Array, want: number, slack = 0): number => Math.max(...got.map((value) => (Math.abs(value - want) - slack) / Math.abs(want)));
    const hold = (z: number): void => {
      lstmCell(h, c, a, gates(H, z, 200, z, 200), zeros(H), 1, H); // c = σ(z) tanh z
      const at = Math.fround(z);
      worst.sigmoid = Math.max(worst.sigmoid, off(a.subarray(0, H), sigmoid(at)));
      worst.tanh = Math.max(worst.tanh, off(a.subarray(2 * H, 3 * H), Math.tanh(at)));
      c.fill(at);
      dc0.fill(0);
      lstmCellGrad(dz, dc0, zeros(4 * H).fill(1), c, zeros(H), zeros(H).fill(1), zeros(H), 1, H); // dc0 = 1 - tanh² c
      worst.slope = Math.max(worst.slope, off(dc0, 1 / Math.cosh(at) ** 2, 2 ** -52)); // the loop's 1 - tanh² in float64
      lstmCell(h, c, a, gates(H, 0, 200, 0, 200), zeros(H).fill(at), 1, H); // h = tanh c0
      worst.h = Math.max(worst.h, off(h, Math.tanh(at)));
    };
    for (let z = -87 + 1 / 1031; z <= 87; z += 1 / 64) hold(z);
    for (let z = -1.5 + 1 / 8209; z <= 1.5; z += 1 / 2048) hold(z);
    for (let z = 1e-36; z < 1; z *= 3) { hold(z); hold(-z); }
    if (process.env.TIGHTREC_SHOW) console.log(name, worst);
    assert.ok(worst.sigmoid < 2 * EPS && worst.tanh < 2 * EPS && worst.h < 2 * EPS && worst.slope < 4 * EPS, JSON.stringify(worst));
  });

  test('gates shut and wide open', () => {
    for (const size of [88, 89, 104, 1e4, 3e38, Infinity]) {
      for (const H of [1, 4, 7]) {
        const c0 = floats(H, random(H).uniform), h = zeros(H), c = zeros(H), a = zeros(4 * H);
        const near = (got: Float32Array, want: Float32Array, what: string): void => assertClose(got, want, 1, `${what}, ${size}`, 2 ** -120);
        lstmCell(h, c, a, gates(H, -size, size, size, -size), c0, 1, H); // keep all, write nothing, show nothing
        near(a, gates(H, 0, 1, 1, 0), 'a');
        assert.equal([...c], [...c0]);
        near(h, zeros(H), 'h');
        const dz = zeros(4 * H), dc0 = zeros(H);
        lstmCellGrad(dz, dc0, a, c, c0, zeros(H).fill(3), zeros(H).fill(2), 1, H);
        near(dz, zeros(4 * H), 'dz');
        near(dc0, zeros(H).fill(2), 'dc0'); // what is kept hands its gradient on untouched: the reason for the cell
        lstmCell(h, c, a, gates(H, size, -size, -size, size), c0, 1, H); // forget, write -1, show it
        near(a, gates(H, 1, 0, -1, 1), 'a');
        assert.equal([...c], new Array(H).fill(-1));
        assertClose(h, zeros(H).fill(Math.tanh(-1)), 2 * EPS, 'h');
        lstmCellGrad(dz, dc0.fill(0), a, c, c0, zeros(H).fill(3), zeros(H).fill(2), 1, H);
        near(dz, zeros(4 * H), 'dz');
        near(dc0, zeros(H), 'dc0');
      }
    }
  });

  test('a memory that has grown huge stays finite', () => {
    for (const size of [20, 100, 1e4, 1e30, -1e4]) {
      for (const H of [1, 4, 5]) {
        const h = zeros(H), c = zeros(H), a = zeros(4 * H), dz = zeros(4 * H), dc0 = zeros(H);
        lstmCell(h, c, a, gates(H, 0, 200, 0, 200), zeros(H).fill(size), 1, H);
        assert.equal([...h], new Array(H).fill(Math.sign(size)));
        lstmCellGrad(dz, dc0, a, c, zeros(H).fill(size), zeros(H).fill(1), zeros(H), 1, H);
        assertClose(dc0, zeros(H), 1, 'dc0', 5 * Math.exp(-2 * Math.min(Math.abs(size), 87)) + 2 ** -50);
        assert.ok(dz.every(Number.isFinite));
      }
    }
  });

  test('NaN reaches its unit and no other', () => {
    const H = 7;
    for (const at of [0, 3, 6]) {
      for (const gate of [0, 1, 2, 3]) {
        const z = zeros(4 * H), h = zeros(H), c = zeros(H), a = zeros(4 * H), dz = zeros(4 * H), dc0 = zeros(H), nan = (_: number, k: number): boolean => k % H === at;
        z[gate * H + at] = NaN;
        lstmCell(h, c, a, z, zeros(H).fill(1), 1, H);
        assert.equal([...h].map(Number.isNaN), [...h].map(nan));
        assert.equal([...a].map(Number.isNaN), [...a].map((_, k) => k === gate * H + at));
        lstmCell(h, c, a, zeros(4 * H), zeros(H).fill(1), 1, H);
        const dh = zeros(H);
        dh[at] = NaN;
        lstmCellGrad(dz, dc0, a, c, zeros(H).fill(1), dh, zeros(H), 1, H);
        assert.equal([...dz].map(Number.isNaN), [...dz].map(nan));
        assert.equal([...dc0].map(Number.isNaN), [...dc0].map(nan));
      }
    }
  });

  test.run();
}

agreeWithLoop('lstm');
