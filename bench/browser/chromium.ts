import { existsSync } from 'node:fs';
import { platform } from 'node:os';
import { delimiter, join } from 'node:path';
import { type Browser, chromium } from 'playwright-core';

const names = ['chromium', 'chromium-browser', 'google-chrome'];
/** Made to run without a window. The whole Chromium, headless, lost its graphics process at a page's first use of WebGPU where this one did not. */
const shells = ['chromium-headless-shell', 'chrome-headless-shell'];

/** chromiumPath: the first Chromium on the PATH; for the machine's own device, the first headless shell if there is one. */
export function chromiumPath(device: boolean): string | undefined {
  const folders = (process.env.PATH ?? '').split(delimiter), first = (wanted: readonly string[]): string | undefined => folders.flatMap((folder) => wanted.map((name) => join(folder, name))).find(existsSync);
  return (device ? first(shells) : undefined) ?? first(names);
}

/** WebGL2 and WebGPU on SwiftShader, which plays a graphics device in software. */
const inSoftware = ['--enable-unsafe-swiftshader', '--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader'];
/** Both on the machine's own device. Without a window, Chromium on Linux finds it by Vulkan alone, and asks for no surface to draw on. */
const onDevice = ['--enable-gpu', '--ignore-gpu-blocklist', '--enable-unsafe-webgpu', ...(platform() === 'linux' ? ['--use-angle=vulkan', '--enable-features=Vulkan', '--disable-vulkan-surface'] : [])];

/** chromiumArguments: without the sandbox, which wants more rights than a container gives; graphics in software, or on the machine's own device. */
export const chromiumArguments = (device: boolean): string[] => ['--no-sandbox', ...(device ? onDevice : inSoftware)];

/** notOnDevice: why these devices, a mode's renderer each, are not the machine's own; null where they are. */
export function notOnDevice(devices: Readonly<Record<string, string>>): string | null {
  const found = Object.entries(devices), software = found.filter(([, name]) => /swiftshader|llvmpipe|lavapipe|software|basic render/i.test(name));
  if (found.length > 0 && software.length === 0) return null;
  return `--device: ${found.length === 0 ? 'neither WebGL2 nor WebGPU runs here' : software.map(([mode, name]) => `${mode} runs on ${name}, which is software`).join('; ')}; Chromium needs a graphics device and its driver, on Linux one for Vulkan; leave --device out to run in software`;
}

/** launchChromium: the machine's own, without a window. Errors: a sentence that names what to install. */
export async function launchChromium(device: boolean): Promise<Browser> {
  const executablePath = chromiumPath(device);
  if (executablePath === undefined) throw new Error(`none of ${[...(device ? shells : []), ...names].join(', ')} is on the PATH: install Chromium (Debian and Ubuntu: apt-get install chromium), or open the page in any browser with npm run bench:browser -- --open`);
  return chromium.launch({ executablePath, args: chromiumArguments(device) });
}
