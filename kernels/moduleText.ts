/**
 * How the WASM modules are carried in a source file: as text of plain letters, one for the 86 bytes that WASM uses most (those around 0) and two for the others. gzip then finds
 * the same repeats as in the bytes themselves, which base64 hides from it by putting each into one of three places: 14.6 kB instead of 19.9.
 */
const letters = ' !#%&()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[]^_abcdefghijklmnopqrstuvwxyz', shifts = '{|}';
const first = 251; // the byte that the first letter stands for

/** moduleText: the bytes as such a text. */
export function moduleText(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => {
    const n = (byte - first) & 255, shift = Math.floor(n / letters.length);
    return (shift > 0 ? shifts[shift - 1] : '') + letters[n % letters.length];
  }).join('');
}

/** moduleBytes: what moduleText wrote. */
export function moduleBytes(text: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(text.length), numbers = new Uint8Array(128);
  for (let n = 0; n < letters.length; n++) numbers[letters.charCodeAt(n)] = n;
  let length = 0, from = first;
  for (let at = 0; at < text.length; at++) {
    const shift = shifts.indexOf(text[at]);
    if (shift >= 0) { from = first + (shift + 1) * letters.length; continue; }
    bytes[length++] = from + numbers[text.charCodeAt(at)];
    from = first;
  }
  return bytes.slice(0, length);
}
