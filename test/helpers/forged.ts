import { crc32 } from 'node:zlib';
import { type SafeTensor, decodeSafetensors, encodeSafetensors } from '../../lib/io/safetensors.ts';

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
const crcOf = (...parts: Uint8Array[]): string => parts.reduce((crc, part) => (part.length > 0 ? crc32(part, crc) : crc), 0).toString(16).padStart(8, '0');

export interface Parts { tensors: Record<string, SafeTensor>; metadata: Record<string, string> }

/** forged: the file of a model, changed by someone who can make checksums. */
export function forged(bytes: Uint8Array, change: (parts: Parts) => void): Uint8Array {
  const { tensors, metadata } = decodeSafetensors(bytes), parts: Parts = { tensors: Object.create(null), metadata: Object.create(null) };
  for (const [name, tensor] of tensors) parts.tensors[name] = tensor;
  for (const [name, text] of metadata) parts.metadata[name] = text;
  const given = parts.metadata.checksum;
  change(parts);
  if (parts.metadata.checksum === given) {
    const sorted = <T>(record: Record<string, T>): [string, T][] => Object.entries(record).filter(([name]) => name !== 'checksum').sort(([a], [b]) => (a < b ? -1 : 1));
    parts.metadata.checksum = crcOf(
      ...sorted(parts.metadata).map(([key, value]) => utf8(`${key}\n${value}\n`)),
      ...sorted(parts.tensors).flatMap(([name, { dtype, shape, data }]) => [utf8(`${name}\n${dtype}\n${shape.join(' ')}\n`), new Uint8Array(data.buffer, data.byteOffset, data.byteLength)]),
    );
  }
  return encodeSafetensors(parts.tensors, parts.metadata);
}
