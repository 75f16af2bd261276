import { join } from 'node:path';
import { expect, it } from 'vitest';
import { run } from '../test/cluster/commands.ts';

const images = (...args: string[]) =>
  run(process.execPath, [join(import.meta.dirname, 'images.ts'), ...args]);

it.each([
  [['runtime-cude'], "there is no image 'runtime-cude': operator, runtime, runtime-cuda, runtime-vulkan"],
  [['--arch', 'amd64'], "there is no architecture 'amd64': x64, arm64"],
  [['--stage', '/nowhere'], '--stage takes one image: name it'],
  [['--note'], '--note takes images: name them'],
  [['--notes'], "Unknown option '--notes'"],
])('npm run images -- %s says what is wrong, and how it is used', async (args, wrong) => {
  const failed = await images(...args).then(
    () => undefined,
    (error: Error) => error.message,
  );
  expect(failed).toContain(`longshore: ${wrong}`);
  expect(failed).toContain('npm run images -- runtime-cuda');
  expect(failed).not.toMatch(/^ +at /m);
});
