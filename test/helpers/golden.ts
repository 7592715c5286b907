import numbers from '../fixtures/kernels.json' with { type: 'json' };

/** Written by test/fixtures/kernels.py: the kernels and the generator again, in torch, numpy and plain Python. */
export const golden: typeof numbers = numbers;
