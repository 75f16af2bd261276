import { describe, expect, it } from 'vitest';
import { PullerReport, pullerReasons } from '../protocols/puller.ts';
import { SourceError } from '../sources/source.ts';
import { encodeReport, failureOf, mostReportBytes } from './report.ts';

describe('a termination message', () => {
  it.each(['x', '"', '\n', 'ü', '🚢'])('made of %j fits, and stays readable', (character) => {
    const text = encodeReport({ failure: { reason: 'FileNotFound', message: character.repeat(9000) } });
    expect(Buffer.byteLength(text)).toBeLessThanOrEqual(mostReportBytes);
    const report = PullerReport.parse(JSON.parse(text));
    expect(report).toMatchObject({ failure: { reason: 'FileNotFound' } });
    expect(JSON.stringify(report)).not.toContain('\uFFFD');
  });

  it('holds the largest publication that a Model can ask for', () => {
    const files = Array.from({ length: 8 }, (_, i) => ({
      path: `${i}`.repeat(256),
      sizeBytes: 999_999_999_999,
      sha256: 'a'.repeat(64),
    }));
    const path = `hub/models--${'r'.repeat(200)}/snapshots/${'c'.repeat(40)}`;
    const digest = `sha256:${'d'.repeat(64)}`;
    const report = {
      publication: { revision: 'c'.repeat(40), digest, sizeBytes: 9e12, path, fileCount: 8, files },
    };
    expect(JSON.parse(encodeReport(report))).toEqual(report);
  });
});

describe('an exit code', () => {
  it('asks for another pod only where one may do better', () => {
    const again = pullerReasons.filter((reason) => failureOf(new SourceError(reason, '')).exitCode === 1);
    expect(again).toEqual(['ChecksumMismatch', 'SourceUnreachable', 'RateLimited', 'PullerFailed']);
  });

  it.each(['ENOSPC', 'EDQUOT'])('of a full disk (%s) is final', (code) => {
    const error = Object.assign(new Error('write failed'), { code });
    expect(failureOf(error)).toMatchObject({ exitCode: 2, failure: { reason: 'InsufficientStorage' } });
  });

  it('of anything unforeseen asks for another pod', () => {
    const { exitCode, failure } = failureOf('odd');
    expect({ exitCode, ...failure }).toMatchObject({ exitCode: 1, reason: 'PullerFailed' });
    expect(failure.message).toContain('odd');
  });
});
