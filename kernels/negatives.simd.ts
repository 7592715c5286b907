// What the epochs of pairs share: AssemblyScript, an other item drawn at random.

/** An item of the pool that is neither `liked` nor met by the user, or -1 after so many tries. What is met, `words` says: kernels/bprEpoch. */
export function draw(state: usize, pool: usize, m: i32, few: u32, met: usize, start: usize, words: i32, tries: i32, user: i32, liked: i32): i32 {
  for (let t = 0; t < tries; t++) {
    const item = load<i32>(pool + (<usize>below(state, m, few) << 2));
    if (item === liked) continue;
    if (words < 0) return item;
    if (words > 0) {
      if ((load<i32>(met + (<usize>(user * words + (item >> 5)) << 2)) >> (item & 31) & 1) === 0) return item;
    } else if (!holdsSorted(met + (<usize>load<i32>(start + (<usize>user << 2)) << 2), load<i32>(start + (<usize>user << 2), 4) - load<i32>(start + (<usize>user << 2)), item)) return item;
  }
  return -1;
}

/** Whether the ascending list of `length` ids holds `id`: half of it is left out at each step, without a branch to guess. */
export function holdsSorted(list: usize, length: i32, id: i32): bool {
  while (length > 1) {
    const half = length >> 1, middle = list + (<usize>half << 2);
    list = select<usize>(middle, list, load<i32>(middle) <= id);
    length -= half;
  }
  return length === 1 && load<i32>(list) === id;
}

/** An integer in 0 .. m - 1, each equally likely, by the xoshiro128** generator in `state`. few = 2^32 mod m. */
export function below(state: usize, m: i32, few: u32): u32 {
  let product: u64 = 0;
  do {
    const s0 = load<u32>(state), s1 = load<u32>(state, 4), s2 = load<u32>(state, 8) ^ s0, s3 = load<u32>(state, 12) ^ s1;
    store<u32>(state, s0 ^ s3);
    store<u32>(state, s1 ^ s2, 4);
    store<u32>(state, s2 ^ (s1 << 9), 8);
    store<u32>(state, rotl<u32>(s3, 11), 12);
    product = <u64>(rotl<u32>(s1 * 5, 7) * 9) * <u64>m;
  } while (<u32>product < few);
  return <u32>(product >> 32);
}
