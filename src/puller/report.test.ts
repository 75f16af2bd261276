import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { ModelFile } from '../api/model-status.ts';
import { Publication, PullerReport, pullerReasons } from '../protocols/puller.ts';
import { SourceError, type SourceFile } from '../sources/source.ts';
import { checkReportable, encodeReport, failureOf, mostReportBytes } from './report.ts';

const Told = z.object({ publication: Publication });
const aFile = (path: string) => ({ path, sizeBytes: 999_999_999_999, sha256: 'a'.repeat(64) });

function publicationOf(files: ModelFile[]): { publication: Publication } {
  const path = `hub/models--${'r'.repeat(200)}/snapshots/${'c'.repeat(40)}`;
  const digest = `sha256:${'d'.repeat(64)}`;
  const revision = 'c'.repeat(40);
  return { publication: { revision, digest, sizeBytes: 9e12, path, fileCount: files.length, files } };
}

describe('a termination message', () => {
  it.each(['x', '"', '\n', 'ü', '🚢'])('made of %j fits, and stays readable', (character) => {
    const text = encodeReport({ failure: { reason: 'FileNotFound', message: character.repeat(9000) } });
    expect(Buffer.byteLength(text)).toBeLessThanOrEqual(mostReportBytes);
    const report = PullerReport.parse(JSON.parse(text));
    expect(report).toMatchObject({ failure: { reason: 'FileNotFound' } });
    expect(JSON.stringify(report)).not.toContain('\uFFFD');
  });

  it('holds the largest publication that a Model can ask for by name', () => {
    const report = publicationOf(
      Array.from({ length: 8 }, (_, i) => ({ ...aFile(`${i}`.repeat(256)), role: 'projector' as const })),
    );
    expect(JSON.parse(encodeReport(report))).toEqual(report);
  });

  it('leaves out how fast it came where that has no room, before anything else', () => {
    const transfer = { receivedBytes: 123_456_789_012, seconds: 1234.567 };
    const small = { ...publicationOf([aFile('a')]), transfer };
    expect(JSON.parse(encodeReport(small))).toEqual(small);
    const large = publicationOf(
      Array.from({ length: 9 }, (_, i) => ({ ...aFile(`${i}`.repeat(256)), role: 'projector' as const })),
    );
    const padded = { publication: { ...large.publication, path: '' } };
    padded.publication.path = 'p'.repeat(mostReportBytes - Buffer.byteLength(JSON.stringify(padded)));
    expect(JSON.parse(encodeReport({ ...padded, transfer }))).toEqual(padded);
  });

  it('leaves out further pieces of a split model, from the end, and still counts them', () => {
    const pieces = Array.from({ length: 99 }, (_, i) => ({
      ...aFile(`p-${i}.gguf`),
      role: 'piece' as const,
    }));
    const files = [{ ...aFile('first.gguf'), role: 'model' as const }, ...pieces, aFile('config.json')];
    const text = encodeReport(publicationOf(files));
    expect(Buffer.byteLength(text)).toBeLessThanOrEqual(mostReportBytes);
    expect(Buffer.byteLength(text)).toBeGreaterThan(mostReportBytes - 150);
    const { publication } = Told.parse(JSON.parse(text));
    const kept = publication.files.length - 2;
    expect(publication.fileCount).toBe(101);
    expect(publication.files).toEqual([files[0], ...pieces.slice(0, kept), files[100]]);
  });

  it('names no more files than a status holds', () => {
    const pieces = Array.from({ length: 40 }, () => ({
      path: 'a',
      sizeBytes: 1,
      sha256: '',
      role: 'piece' as const,
    }));
    const { publication } = Told.parse(JSON.parse(encodeReport(publicationOf(pieces))));
    expect(publication.files).toHaveLength(32);
  });

  it('that could not hold the files is foreseen', () => {
    const paths = (count: number, name: (i: number) => string) =>
      Array.from({ length: count }, (_, i): SourceFile => {
        const digest = { algorithm: 'sha256', hex: 'a'.repeat(64) } as const;
        return { path: name(i), sizeBytes: 999_999_999, digest };
      });
    const check = (files: SourceFile[]) =>
      checkReportable({ revision: 'c'.repeat(40), files, folder: 'hub' });
    expect(() => check(paths(60, (i) => `${i}.json`))).toThrow(/60 files/);
    expect(() => check(paths(33, (i) => `${i}`))).toThrow(SourceError);
    expect(() => check(paths(12, (i) => `${i}`.padEnd(256)))).toThrow(SourceError);
    check(paths(20, (i) => `${i}.json`));
    check(paths(99, (i) => `m-${String(i + 1).padStart(5, '0')}-of-00099.gguf`));
  });
});

describe('an exit code', () => {
  it('asks for another pod only where one may do better', () => {
    const again = pullerReasons.filter((reason) => failureOf(new SourceError(reason, '')).exitCode === 1);
    expect(again).toEqual(['ChecksumMismatch', 'SourceUnreachable', 'RateLimited', 'PullerFailed']);
  });

  it.each([
    ['ENOSPC', 'InsufficientStorage'],
    ['EDQUOT', 'InsufficientStorage'],
    ['EFBIG', 'InsufficientStorage'],
    ['EROFS', 'VolumeReadOnly'],
    ['EACCES', 'VolumeReadOnly'],
    ['EPERM', 'VolumeReadOnly'],
  ])('of a volume that says %s is final', (code, reason) => {
    const error = Object.assign(new Error('write failed'), { code, syscall: 'write' });
    expect(failureOf(error)).toMatchObject({ exitCode: 2, failure: { reason } });
  });

  it('of a network that says EACCES is not taken for the volume', () => {
    const { failure } = failureOf(Object.assign(new Error('refused'), { code: 'EACCES' }));
    expect(failure.reason).toBe('PullerFailed');
  });

  it('of anything unforeseen asks for another pod', () => {
    const { exitCode, failure } = failureOf('odd');
    expect({ exitCode, ...failure }).toMatchObject({ exitCode: 1, reason: 'PullerFailed' });
    expect(failure.message).toContain('odd');
  });
});
