import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Authority } from '../../../test/hub/authority.ts';
import { readAuthorities } from './authorities.ts';
import { said } from '../testing/said.ts';

const bundle = { name: 'ConfigMap company-ca (key ca.crt)', required: true };
let folder: string;
let authority: Authority;

beforeAll(async () => {
  authority = await Authority.create();
});
afterAll(() => authority[Symbol.asyncDispose]());
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'authorities-'));
});
afterEach(() => rm(folder, { recursive: true }));

async function read(content: string | undefined, required = true) {
  const path = join(folder, 'ca.crt');
  if (content !== undefined) await writeFile(path, content);
  return readAuthorities(path, { ...bundle, required });
}

describe('a CA bundle', () => {
  it('may have several certificates, with words between them', async () => {
    const pem = authority.certificate.trim();
    const { certificates, hint } = await read(`# first\n${pem}\n\n# second\r\n${pem}\n`);
    expect(certificates).toEqual([pem, pem]);
    expect(hint).toBeUndefined();
  });

  it.each([
    [
      'is not there',
      undefined,
      /^CABundleNotFound: ConfigMap company-ca \(key ca\.crt\), which spec\.puller\.caBundle names, is not in/,
    ],
    ['is empty', '', /^CABundleNotFound: .*holds no certificate in PEM/],
    ['holds something else', 'hello', /holds no certificate in PEM/],
    [
      'holds a broken certificate',
      '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n',
      /holds a certificate, number 1, that cannot be read/,
    ],
  ])('that the Model names and that %s is an error', async (_what, content, told) => {
    expect(await said(read(content))).toMatch(told);
  });

  it('that only the operator names may be missing, and not be broken', async () => {
    expect(await read(undefined, false)).toEqual({
      certificates: [],
      hint: expect.stringMatching(
        /^ConfigMap company-ca .* the operator's setting puller\.caBundle names/,
      ) as string,
    });
    expect(await said(read('hello', false))).toMatch(/^CABundleNotFound: .*the operator's setting/);
  });
});
