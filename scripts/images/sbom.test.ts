import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { build } from 'esbuild';
import { bundleOptions } from '../bundle.ts';
import { readPackages } from './debian.ts';
import { bundledComponents, debianComponent, installedComponents, nodeComponent, sbomOf } from './sbom.ts';

const purlsOf = (components: readonly { purl: string }[]) => components.map(({ purl }) => purl).toSorted();

async function folderWith(files: Readonly<Record<string, object>>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'longshore-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), JSON.stringify(content));
  }
  return folder;
}

describe('the list of what is in an image', () => {
  it('has each component once, in the same order, whatever order they were found in', () => {
    const node = nodeComponent('24.0.0');
    const zlib = debianComponent({ name: 'zlib1g', version: '1:1.3.1-1', architecture: 'amd64' });
    const image = { name: 'longshore.dev/operator', version: '1.0.0' };
    const document = sbomOf(image, [zlib, node, zlib]);
    expect(sbomOf(image, [node, zlib])).toBe(document);
    expect(JSON.parse(document)).toMatchObject({
      bomFormat: 'CycloneDX',
      specVersion: '1.6',
      metadata: { component: { type: 'container', ...image } },
      components: [
        {
          'bom-ref': zlib.purl,
          name: 'zlib1g',
          purl: 'pkg:deb/debian/zlib1g@1%3A1.3.1-1?arch=amd64&distro=debian-13',
        },
        { 'bom-ref': node.purl, type: 'application', cpe: 'cpe:2.3:a:nodejs:node.js:24.0.0:*:*:*:*:*:*:*' },
      ],
    });
  });

  it('has the packages that came into a bundle, and no others', async () => {
    // Of undici something is used; of fast-check, which says that it may be left out, nothing.
    const contents =
      "import { Agent } from 'undici'; import { assert } from 'fast-check'; import 'vitest'; console.log(Agent);";
    const { metafile } = await build({
      ...bundleOptions,
      stdin: { contents, resolveDir: bundleOptions.absWorkingDir },
      external: ['vitest'],
      metafile: true,
      write: false,
      legalComments: 'none',
    });
    const components = await bundledComponents(metafile, bundleOptions.absWorkingDir);
    expect(components).toEqual([
      {
        type: 'library',
        name: 'undici',
        version: expect.stringMatching(/^\d+\.\d+\.\d+$/) as string,
        purl: expect.stringMatching(/^pkg:npm\/undici@\d+\.\d+\.\d+$/) as string,
        licenses: [{ expression: 'MIT' }],
      },
    ]);
  });

  it('has the packages of a node_modules, those within others too, and the llama.cpp inside', async () => {
    const modules = await folderWith({
      'node_modules/tar/package.json': { name: 'tar', version: '7.0.0', license: 'ISC' },
      'node_modules/tar/dist/package.json': { type: 'module' },
      'node_modules/tar/node_modules/yallist/package.json': { name: 'yallist', version: '5.0.0' },
      'node_modules/@node-llama-cpp/linux-x64/package.json': {
        name: '@node-llama-cpp/linux-x64',
        version: '3.0.0',
      },
      'node_modules/@node-llama-cpp/linux-x64/bins/linux-x64/_nlcBuildMetadata.json': {
        buildOptions: { llamaCpp: { repo: 'ggml-org/llama.cpp', release: 'b9000' } },
      },
    });
    expect(purlsOf(await installedComponents(join(modules, 'node_modules')))).toEqual([
      'pkg:github/ggml-org/llama.cpp@b9000',
      'pkg:npm/%40node-llama-cpp/linux-x64@3.0.0',
      'pkg:npm/tar@7.0.0',
      'pkg:npm/yallist@5.0.0',
    ]);
  });
});

it('packages of Debian are read from their fields, one after the other', () => {
  const fields = [
    'Package: libstdc++6\nSource: gcc-14\nVersion: 14.2.0-19\nArchitecture: amd64\nDescription: GNU C++\n Package: no\n',
    'Package: tzdata\nVersion: 2026a-0+deb13u1\nArchitecture: all\n',
  ];
  expect(readPackages(fields.join(''))).toEqual([
    { name: 'libstdc++6', version: '14.2.0-19', architecture: 'amd64' },
    { name: 'tzdata', version: '2026a-0+deb13u1', architecture: 'all' },
  ]);
});
