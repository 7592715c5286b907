import { readFileSync } from 'node:fs';
import { type Server, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { limitModules } from '../limitsModule.ts';

/** serve: the page on this machine, bundled now; isolated, so that memory may be shared. Port 0 is any that is free. */
export async function serve(port = 0): Promise<{ server: Server; address: string }> {
  const file = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
  const [{ outputFiles }, { plain, fused }] = await Promise.all([
    build({ entryPoints: [file('page.ts')], bundle: true, minify: false, write: false, format: 'iife', globalName: 'page', platform: 'browser', target: 'es2022', logLevel: 'error' }),
    limitModules(),
  ]);
  const files: Record<string, [type: string, body: string | Uint8Array]> = {
    '/': ['text/html; charset=utf-8', readFileSync(file('page.html'))],
    '/page.css': ['text/css; charset=utf-8', readFileSync(file('page.css'))],
    '/page.js': ['text/javascript; charset=utf-8', outputFiles[0].text],
    '/limits.wasm': ['application/wasm', plain],
    '/limitsFma.wasm': ['application/wasm', fused],
  };
  const server = createServer(({ url = '/' }, response) => {
    const found = files[new URL(url, 'http://localhost').pathname];
    response.setHeader('Cross-Origin-Opener-Policy', 'same-origin');
    response.setHeader('Cross-Origin-Embedder-Policy', 'require-corp');
    if (!found) { response.statusCode = 404; response.end(); return; }
    response.setHeader('Content-Type', found[0]);
    response.end(found[1]);
  });
  await new Promise<void>((resolve, reject) => { server.once('error', reject); server.listen(port, '127.0.0.1', resolve); });
  return { server, address: `http://127.0.0.1:${(server.address() as AddressInfo).port}/` };
}
