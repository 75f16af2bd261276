import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { SourceError } from './source.ts';

export interface Credentials {
  readonly token: string;
  /**
   * The host that the token is for, with its port where that is not the default one. A token goes over https, unless
   * this begins with `http://`.
   */
  readonly host?: string;
}

/**
 * Reads the files `token` and `host` of a mounted Secret.
 * @throws SourceError CredentialsNotFound when there is no usable token.
 */
export async function readCredentials(folder: string): Promise<Credentials> {
  const token = await readOptional(join(folder, 'token'));
  if (token === undefined || token === '') {
    throw new SourceError(
      'CredentialsNotFound',
      'spec.credentials is set, and the puller was given no token. Create the Secret with the key that spec.credentials names, or remove spec.credentials.',
    );
  }
  if (!/^[\x21-\x7e]+$/.test(token)) {
    throw new SourceError(
      'CredentialsNotFound',
      'The token in the Secret that spec.credentials names holds spaces, line breaks or characters that no HTTP header can carry. Store the bare token.',
    );
  }
  const host = await readOptional(join(folder, 'host'));
  return { token, ...(host ? { host: host.toLowerCase() } : {}) };
}

/**
 * The token, if the endpoint may have it: it is the host that the Secret names, or, where it names none, the public hub
 * of the source. Whoever writes the Secret decides this, and not whoever writes the Model.
 * @param publicHome The public hub or registry of this kind of source, and of no other.
 * @throws SourceError CredentialsForAnotherHost otherwise; nothing has been sent then.
 */
export function tokenFor(endpoint: string, { token, host }: Credentials, publicHome: string): string {
  const { host: endpointHost, origin } = new URL(endpoint);
  const tokenIsFor = host === undefined ? publicHome : host.includes('://') ? host : `https://${host}`;
  if (tokenIsFor === origin) return token;
  const wanted = origin.startsWith('https://') ? endpointHost : origin;
  throw new SourceError(
    'CredentialsForAnotherHost',
    `The token is for ${tokenIsFor}, and the endpoint is ${origin}: it was not sent. If it may have the token, set the Secret's key "host" to ${wanted}.`,
  );
}

/** A file of a mounted Secret or ConfigMap, without the white space around its content; undefined where it is not there. */
export async function readOptional(path: string): Promise<string | undefined> {
  try {
    return (await readFile(path, 'utf8')).trim();
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}
