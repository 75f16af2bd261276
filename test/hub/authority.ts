/** Certificates for servers on this machine, and authorities that sign them. */
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Identity } from './origin.ts';

const run = promisify(execFile);
const freshKey = '-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -noenc'.split(' ');

export class Authority implements AsyncDisposable {
  readonly #folder: string;
  /** What those that it issues are known by, in PEM. */
  readonly certificate: string;
  readonly #key: string;
  #issued = 0;

  static async create(): Promise<Authority> {
    const folder = await mkdtemp(join(tmpdir(), 'authority-'));
    const [key, cert] = [join(folder, 'ca.key'), join(folder, 'ca.crt')];
    const subject = ['-subj', '/CN=authority-of-tests', '-days', '30'];
    await run('openssl', ['req', '-x509', ...freshKey, ...subject, '-keyout', key, '-out', cert]);
    return new Authority(folder, { key: await readFile(key, 'utf8'), cert: await readFile(cert, 'utf8') });
  }

  private constructor(folder: string, { key, cert }: Identity) {
    this.#folder = folder;
    this.#key = key;
    this.certificate = cert;
  }

  /** The authority as a server that shows its own certificate, which is signed by itself. */
  get itself(): Identity {
    return { key: this.#key, cert: this.certificate };
  }

  /** @param names As openssl has them, e.g. `DNS:hub.test`. @param days Negative for a certificate that has expired. */
  async issue(names: readonly string[], days = 30): Promise<Identity> {
    const serial = String(++this.#issued);
    const at = (suffix: string): string => join(this.#folder, `${serial}.${suffix}`);
    const [key, request, cert] = [at('key'), at('csr'), at('crt')];
    const alternative = ['-addext', `subjectAltName=${names.join(',')}`];
    await run('openssl', [
      'req',
      ...freshKey,
      '-subj',
      '/CN=server-of-tests',
      ...alternative,
      '-keyout',
      key,
      '-out',
      request,
    ]);
    const authority = ['-CA', join(this.#folder, 'ca.crt'), '-CAkey', join(this.#folder, 'ca.key')];
    const options = ['-set_serial', serial, '-copy_extensions', 'copy', '-days', String(days)];
    await run('openssl', ['x509', '-req', '-in', request, ...authority, ...options, '-out', cert]);
    return { key: await readFile(key, 'utf8'), cert: await readFile(cert, 'utf8') };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.#folder, { recursive: true });
  }
}
