import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createSecureContext } from 'node:tls';
import type { Certificate } from '../http-server/app.ts';
import type { Log } from '../kube/log.ts';

/** What a server on Node's TLS offers for changing its certificate. */
export interface SecureServer {
  setSecureContext(certificate: Certificate): void;
}

/** Reads a folder as Kubernetes mounts a Secret of the type kubernetes.io/tls. @throws where it has none that fits */
export async function readCertificate(folder: string): Promise<Certificate> {
  const [cert, key] = await Promise.all([
    readFile(join(folder, 'tls.crt'), 'utf8'),
    readFile(join(folder, 'tls.key'), 'utf8'),
  ]);
  // Before a server has it: a chain and a key that do not belong together would end every connection.
  createSecureContext({ cert, key });
  return { cert, key };
}

/**
 * Has a server show the certificate that is in the folder now, when it is another than the last. Where that cannot be
 * read, as while it is being replaced, the last one stays.
 * @returns the certificate that the server shows
 */
export async function renewCertificate(
  server: SecureServer,
  folder: string,
  last: Certificate,
  log: Log,
): Promise<Certificate> {
  try {
    const now = await readCertificate(folder);
    if (now.cert === last.cert && now.key === last.key) return last;
    server.setSecureContext(now);
    log.info({ folder }, 'the certificate was renewed');
    return now;
  } catch (error) {
    log.warn({ err: error, folder }, 'the certificate cannot be read: the last one stays');
    return last;
  }
}
