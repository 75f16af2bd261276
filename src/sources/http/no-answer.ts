import type { PullerReason } from '../../protocols/puller.ts';
import { ProxyError } from './connections.ts';
import { NoAnswerError, networkProblem, RedirectError } from './http.ts';

interface Problem {
  readonly reason: Extract<PullerReason, 'SourceUnreachable' | 'CertificateNotTrusted' | 'ProxyRefused'>;
  readonly message: string;
}

const unknownAuthority = [
  'comes from an authority that the puller does not know',
  'Put the certificate of that authority into a ConfigMap and name it in spec.puller.caBundle; if the authority is a public one, the server leaves out the certificates between.',
] as const;
const selfSigned = [
  'is signed by nobody but itself',
  'Put it into a ConfigMap and name that in spec.puller.caBundle, or have it replaced there by one of an authority.',
] as const;
/** What is wrong with a certificate, and what to do, by Node's "X509 certificate error codes". */
const certificateProblems: Readonly<Record<string, readonly [what: string, next: string]>> = {
  CERT_HAS_EXPIRED: ['has expired', 'It has to be renewed there; also check the clock of the node.'],
  CERT_NOT_YET_VALID: ['is not valid yet', 'Check the clock of the node, and the certificate there.'],
  ERR_TLS_CERT_ALTNAME_INVALID: [
    'is for another host',
    'Check the address; the certificate there has to name it.',
  ],
  DEPTH_ZERO_SELF_SIGNED_CERT: selfSigned,
  SELF_SIGNED_CERT_IN_CHAIN: unknownAuthority,
  UNABLE_TO_GET_ISSUER_CERT: unknownAuthority,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: unknownAuthority,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: unknownAuthority,
  CERT_UNTRUSTED: unknownAuthority,
  CERT_REVOKED: ['was revoked', 'It has to be replaced there.'],
};
const invalid = ['cannot be used', 'It has to be replaced there.'] as const;
const otherCertificateCodes =
  /^(CERT_|CRL_|INVALID_CA$|INVALID_PURPOSE$|PATH_LENGTH_EXCEEDED$|HOSTNAME_MISMATCH$|ERROR_IN_CERT_|UNABLE_TO_DECODE_ISSUER|UNABLE_TO_DECRYPT_CERT)/;

/**
 * Says why there is no answer: who is at fault, the source, what it redirects to or the proxy, and what to do.
 * @param endpoint What was asked, for causes that do not say of whom they are.
 */
export function noAnswer(endpoint: string, error: unknown): Problem {
  const { origin, hint } = error instanceof NoAnswerError ? error : { origin: endpoint, hint: undefined };
  const cause = error instanceof NoAnswerError ? error.cause : error;
  if (cause instanceof RedirectError) {
    return { reason: 'SourceUnreachable', message: `${origin} ${cause.message}.` };
  }
  if (cause instanceof ProxyError && cause.status !== undefined)
    return proxyRefusal(cause, cause.status, origin);
  const [who, what] =
    cause instanceof ProxyError ? [`The proxy ${cause.proxy}`, cause.cause] : [origin, cause];
  return (
    certificateProblem(who, what, hint) ?? {
      reason: 'SourceUnreachable',
      message: `${who} did not answer: ${networkProblem(what)}.`,
    }
  );
}

function certificateProblem(who: string, error: unknown, hint: string | undefined): Problem | undefined {
  const code = error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
  const known = certificateProblems[code] ?? (otherCertificateCodes.test(code) ? invalid : undefined);
  if (known === undefined) return undefined;
  const [what, next] = known;
  const more = hint !== undefined && (known === unknownAuthority || known === selfSigned) ? ` ${hint}` : '';
  return {
    reason: 'CertificateNotTrusted',
    message: `${who} shows a certificate that ${what}: ${networkProblem(error)}. ${next}${more}`,
  };
}

function proxyRefusal({ proxy, hadPassword, hint }: ProxyError, status: number, target: string): Problem {
  if (status === 407) {
    const message = hadPassword
      ? `The proxy ${proxy} refuses the user and the password that it was given (407). Put the right ones into the Secret.`
      : `The proxy ${proxy} asks for a user and a password (407). Name a Secret with them in spec.puller.proxy.secretName.${hint === undefined ? '' : ` ${hint}`}`;
    return { reason: 'ProxyRefused', message };
  }
  if (status >= 500 || status === 408 || status === 429) {
    return {
      reason: 'SourceUnreachable',
      message: `The proxy ${proxy} could not connect to ${target} (${status}).`,
    };
  }
  return {
    reason: 'ProxyRefused',
    message: `The proxy ${proxy} refuses to connect to ${target} (${status}). Have it let this host through, or name the host in spec.puller.proxy.noProxy if it can be reached without.`,
  };
}
