import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { archiveOf, tarOf } from '../../../test/hub/registry/artifacts.ts';
import { SourceError, type Archive } from '../source.ts';
import { filesInArchive, type PackedFile } from './tar.ts';
import { told } from '../testing/said.ts';

const noise = randomBytes(300_000);
const tooLarge = () => new SourceError('InsufficientStorage', 'too large');

interface Fields {
  compression?: Archive['compression'];
  mostBytes?: number;
}

function filesIn(from: Readable, { compression = 'none', mostBytes = 64 << 20 }: Fields = {}) {
  const archive: Archive = {
    path: 'layer 1',
    sizeBytes: 1,
    digest: { algorithm: 'sha256', hex: '' },
    compression,
  };
  return filesInArchive(from, archive, { mostBytes, tooLarge });
}

/** The files in an archive and their lengths, or how it fails. */
async function read(archive: Buffer | Readable, fields?: Fields): Promise<string[] | string> {
  const from = archive instanceof Readable ? archive : Readable.from(pieces(archive));
  const describe = async ({ path, sizeBytes, content }: PackedFile) =>
    `${path} ${sizeBytes} ${(await buffer(content)).equals(noise) ? 'noise' : 'other'}`;
  try {
    return await Array.fromAsync(filesIn(from, fields), describe);
  } catch (error) {
    return told(error);
  }
}

function* pieces(bytes: Buffer): Generator<Buffer> {
  for (let at = 0; at < bytes.length; at += 10_007) yield bytes.subarray(at, at + 10_007);
}

describe('an archive', () => {
  it.each(['none', 'gzip', 'zstd'] as const)(
    'compressed by %s has its files, in order',
    async (compression) => {
      const archive = await archiveOf({ 'a/m.gguf': noise, 'README.md': 'read me' }, compression);
      expect(await read(archive, { compression })).toEqual(['a/m.gguf 300000 noise', 'README.md 7 other']);
    },
  );

  it('has names as tools write them: long ones, and below the folder it was made in', async () => {
    const long = `${'folder/'.repeat(30)}model.gguf`;
    const archive = await tarOf([
      { name: './', type: 'directory' },
      { name: './a/', type: 'directory' },
      { name: './a/m.gguf', content: noise },
      { name: long, content: 'x' },
    ]);
    expect(await read(archive)).toEqual(['a/m.gguf 300000 noise', `${long} 1 other`]);
  });

  it('goes on after files that nobody reads, and leaves out hidden ones', async () => {
    expect(await read(await archiveOf({ '.git/x': noise, 'a/.hidden': noise, 'b.gguf': noise }))).toEqual([
      'b.gguf 300000 noise',
    ]);
    const from = Readable.from(pieces(await archiveOf({ a: noise, b: noise, c: 'x' })));
    expect(await Array.fromAsync(filesIn(from), ({ path }) => path)).toEqual(['a', 'b', 'c']);
  });

  it('of which the beginning is enough is not read on', async () => {
    let taken = 0;
    const whole = await archiveOf({ a: noise, b: Buffer.alloc(20 << 20) });
    function* counted(): Generator<Buffer> {
      for (const piece of pieces(whole)) {
        taken += piece.length;
        yield piece;
      }
    }
    const from = Readable.from(counted());
    const files = filesIn(from);
    expect((await files.next()).value).toMatchObject({ path: 'a' });
    await files.return(undefined);
    expect(from.destroyed).toBe(true);
    expect(taken).toBeLessThan(8 << 20);
  });

  it.each([
    ['../m.gguf'],
    ['/etc/passwd'],
    ['a/../../m.gguf'],
    ['a//b'],
    ['a/./b'],
    ['a\\b'],
    ['a\u0007b'],
    ['x'.repeat(256)],
    [`${'y/'.repeat(200)}m`],
  ])('with the name %j is refused', async (name) => {
    const archive = await tarOf([
      { name: 'ok', content: 'x' },
      { name, content: 'x' },
    ]);
    expect(await read(archive)).toMatch(
      /^UnsupportedModel: layer 1 holds ".*", which leads elsewhere or is no name of a file, so it is not unpacked/,
    );
  });

  it.each([
    ['symlink', { name: 'm.gguf', type: 'symlink', linkname: '/etc/passwd' }],
    ['link', { name: 'm.gguf', type: 'link', linkname: 'a' }],
    ['character-device', { name: 'm.gguf', type: 'character-device' }],
    ['fifo', { name: 'm.gguf', type: 'fifo' }],
  ] as const)('with a %s is refused', async (type, entry) => {
    expect(await read(await tarOf([entry]))).toMatch(
      new RegExp(`^UnsupportedModel: layer 1 holds "m\\.gguf", which is a ${type} and no file`),
    );
  });

  it('with two files of one name is refused', async () => {
    const twice = await tarOf([
      { name: 'm.gguf', content: 'x' },
      { name: './m.gguf', content: 'y' },
    ]);
    expect(await read(twice)).toMatch(/^UnsupportedModel: .*two files m\.gguf/);
  });

  it.each([
    ['none', [0.1, 0.5, 0.9]],
    ['gzip', [0.1, 0.5, 0.99]],
    ['zstd', [0.1, 0.5, 0.99]],
  ] as const)('that ends early is refused: %s', async (compression, shares) => {
    const archive = await archiveOf({ 'm.gguf': noise }, compression);
    for (const share of shares) {
      const part = archive.subarray(0, Math.floor(archive.length * share));
      expect(await read(part, { compression })).toMatch(
        /^UnsupportedModel: layer 1 is no archive that can be read to its end/,
      );
    }
  });

  it.each(['none', 'gzip', 'zstd'] as const)('that is none is refused: %s', async (compression) => {
    expect(await read(noise, { compression })).toMatch(/^UnsupportedModel: layer 1 is no archive/);
  });

  it('that unpacks to more than there is room for is given up', async () => {
    const bomb = gzipSync(await tarOf([{ name: 'm.gguf', content: Buffer.alloc(32 << 20) }]));
    expect(bomb.length).toBeLessThan(40_000);
    expect(await read(bomb, { compression: 'gzip', mostBytes: 1 << 20 })).toBe(
      'InsufficientStorage: too large',
    );
  });

  it('whose headers are endless is given up before they fill the memory', async () => {
    const comment = 'x'.repeat(12 << 20);
    const header = await tarOf([{ name: 'm.gguf', pax: { comment }, content: 'x' }]);
    expect(await read(header, { mostBytes: 1 << 30 })).toMatch(
      /^UnsupportedModel: .*Header exceeds max size/,
    );
    const folders = Array.from({ length: 9000 }, (_, i) => ({ name: `f${i}/`, type: 'directory' as const }));
    expect(await read(await tarOf(folders))).toEqual([]);
    const nothing = gzipSync(Buffer.alloc(16 << 20));
    expect(await read(nothing, { compression: 'gzip', mostBytes: 1 << 30 })).toMatch(/without a file in it/);
  });

  it('whose source breaks fails as that does', async () => {
    async function* breaking(): AsyncGenerator<Buffer> {
      yield (await archiveOf({ 'm.gguf': noise })).subarray(0, 50_000);
      throw new SourceError('SourceUnreachable', 'gone');
    }
    expect(await read(Readable.from(breaking()))).toBe('SourceUnreachable: gone');
  });
});
