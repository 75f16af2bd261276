import { X509Certificate } from 'node:crypto';
import type { MountedFrom } from '../../protocols/puller.ts';
import { readOptional } from '../credentials.ts';
import { SourceError } from '../source.ts';

/** Whose certificates are trusted, beside those of the public authorities that Node comes with. */
export interface Authorities {
  /** Certificates in PEM. */
  readonly certificates: readonly string[];
  /** What a person is told when a certificate is not trusted. */
  readonly hint?: string;
}

/**
 * Reads the certificates of a mounted CA bundle. One that only the operator's settings name may be missing.
 * @throws SourceError CABundleNotFound when there is none that can be read.
 */
export async function readAuthorities(path: string, bundle: MountedFrom): Promise<Authorities> {
  const text = await readOptional(path);
  const setting = bundle.required ? 'spec.puller.caBundle' : "the operator's setting puller.caBundle";
  if (text === undefined) {
    const missing = `${bundle.name}, which ${setting} names, is not in the namespace of the Model, or lacks the key.`;
    if (bundle.required) throw new SourceError('CABundleNotFound', `${missing} Create it.`);
    return { certificates: [], hint: missing };
  }
  const certificates = text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  const broken = certificates.findIndex((pem) => !isCertificate(pem));
  if (certificates.length > 0 && broken === -1) return { certificates };
  const what =
    broken === -1
      ? 'holds no certificate in PEM'
      : `holds a certificate, number ${broken + 1}, that cannot be read`;
  throw new SourceError(
    'CABundleNotFound',
    `${bundle.name}, which ${setting} names, ${what}. Put the certificates of the authorities there.`,
  );
}

function isCertificate(pem: string): boolean {
  try {
    return new X509Certificate(pem).raw.byteLength > 0;
  } catch {
    return false;
  }
}
