import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { chromiumArguments, notOnDevice } from '../../bench/browser/chromium.ts';

// What bench:browser says of the machine's graphics device, without one.

const test = suite('gpu/device');
const real = { webgl2: 'ANGLE (NVIDIA, Vulkan 1.4.312 (NVIDIA NVIDIA H200 (0x00002335)), NVIDIA)', webgpu: 'nvidia' };

test("a device is the machine's own, or it says what is software", () => {
  assert.is(notOnDevice(real), null);
  assert.is(notOnDevice({ webgl2: real.webgl2 }), null);
  for (const software of ['ANGLE (Google, Vulkan 1.3.0 (SwiftShader Device (Subzero) (0x0000C0DE)), SwiftShader driver)', 'ANGLE (Mesa, llvmpipe (LLVM 15.0.6, 256 bits), OpenGL 4.5)', 'google swiftshader', 'Microsoft Basic Render Driver']) {
    assert.match(notOnDevice({ ...real, webgpu: software })!, `--device: webgpu runs on ${software}, which is software; Chromium needs a graphics device and its driver`);
  }
  assert.match(notOnDevice({})!, '--device: neither WebGL2 nor WebGPU runs here');
});

test('SwiftShader is asked for in software alone', () => {
  assert.ok(chromiumArguments(false).includes('--use-webgpu-adapter=swiftshader'));
  assert.not(chromiumArguments(true).some((argument) => argument.includes('swiftshader')));
});

test('a scale that is none: a sentence, before anything is launched', () => {
  const { status, stderr } = spawnSync(process.execPath, ['--import', 'tsx', fileURLToPath(new URL('../../bench/browser/run.ts', import.meta.url)), '--scale', 'huge'], { encoding: 'utf8' });
  assert.is(status, 1);
  assert.is(stderr, '--scale is one of tiny, chapter, large, odd, got huge\n');
});

test.run();
