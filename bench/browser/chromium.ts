import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { type Browser, chromium } from 'playwright-core';

const names = ['chromium', 'chromium-browser', 'google-chrome'];

/** launchChromium: the machine's own, without a window; where there is no graphics device, SwiftShader plays one in software. Errors: a sentence that names what to install. */
export async function launchChromium(): Promise<Browser> {
  const folders = (process.env.PATH ?? '').split(delimiter), executablePath = folders.flatMap((folder) => names.map((name) => join(folder, name))).find(existsSync);
  if (executablePath === undefined) throw new Error(`none of ${names.join(', ')} is on the PATH: install Chromium (Debian and Ubuntu: apt-get install chromium), or open the page in any browser with npm run bench:browser -- --open`);
  return chromium.launch({ executablePath, args: ['--no-sandbox', '--enable-unsafe-swiftshader', '--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader'] });
}
