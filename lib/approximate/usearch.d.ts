/** The part of usearch, an optional peer, that approximateIndex.ts uses. */
declare module 'usearch' {
  import type { Usearch } from './approximateIndex.ts';

  export const Index: Usearch['Index'];
}
