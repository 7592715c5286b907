import { Refusal } from './refusal.ts';
import { show } from './schemas.ts';

/** readBody: the JSON of a body of at most so many bytes. Errors: Refusal 400, 408, 413. */
export async function readBody(request: Request, most: number): Promise<unknown> {
  const text = await readText(request, most);
  try { return JSON.parse(text); } catch { throw new Refusal(400, 'bad-json', `the body is not JSON: ${text.trim() === '' ? 'it is empty' : `it begins with ${show(text)}`}`); }
}

async function readText(request: Request, most: number): Promise<string> {
  const said = request.headers.get('content-length');
  if (said !== null && Number(said) > most) throw tooLarge(most, `${said} bytes`);
  try {
    if (said !== null) return await request.text(); // no more comes than was said
    let text = '', bytes = 0;
    const decoder = new TextDecoder();
    for await (const chunk of request.body ?? []) {
      bytes += chunk.length;
      if (bytes > most) throw tooLarge(most, 'more');
      text += decoder.decode(chunk, { stream: true });
    }
    return text + decoder.decode();
  } catch (error) {
    if (error instanceof Refusal) throw error;
    throw new Refusal(408, 'incomplete', 'the body did not come whole: the client hung up, or was too slow');
  }
}

const tooLarge = (most: number, got: string): Refusal => new Refusal(413, 'body-too-large', `the body must be at most ${most} bytes, got ${got}; ask for fewer at a time`);
