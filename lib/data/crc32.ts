const table: Int32Array = Int32Array.from({ length: 256 }, (_, byte) => {
  for (let bit = 0; bit < 8; bit++) byte = byte & 1 ? (byte >>> 1) ^ 0xedb88320 : byte >>> 1;
  return byte;
});

/** crc32Loop: crc32 byte by byte, where the runtime has none. */
export function crc32Loop({ buffer, byteOffset, byteLength }: ArrayBufferView, before = 0): number {
  const bytes = new Uint8Array(buffer, byteOffset, byteLength);
  let crc = ~before;
  for (let at = 0; at < bytes.length; at++) crc = (crc >>> 8) ^ table[(crc ^ bytes[at]) & 255];
  return ~crc >>> 0;
}

const native = globalThis.process?.getBuiltinModule?.('node:zlib')?.crc32;

/** crc32: the CRC-32 of zip and gzip over the bytes of an array, which goes on from that of the bytes before them. It finds accidents, not forgers. */
export const crc32: (data: ArrayBufferView, before?: number) => number = native === undefined ? crc32Loop
  : ({ buffer, byteOffset, byteLength }, before = 0) => byteLength === 0 ? before : native(new Uint8Array(buffer, byteOffset, byteLength), before); // of an empty array Node may say 0; Deno takes bytes alone
