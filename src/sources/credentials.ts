import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { SourceError } from './source.ts';

export interface Credentials {
  readonly token: string;
  /** With it the token is a password. */
  readonly username?: string;
  /**
   * The host that the token is for, with its port where that is not the default one. A token goes over https, unless
   * this begins with `http://`.
   */
  readonly host?: string;
}

/** How a source is told who asks. */
export type Login =
  /** Sent as a bearer token, as it is. */
  | { readonly kind: 'token'; readonly token: string }
  | { readonly kind: 'password'; readonly username: string; readonly password: string };

/** How a registry may be told besides: by what its token endpoint exchanges for a bearer token. */
export type RegistryLogin = Login | { readonly kind: 'identity'; readonly token: string };

/** The header that carries it. */
export function authorizationOf(login: Login): string {
  if (login.kind === 'token') return `Bearer ${login.token}`;
  return `Basic ${Buffer.from(`${login.username}:${login.password}`).toString('base64')}`;
}

/**
 * Reads the files `token`, `username` and `host` of a mounted Secret.
 * @throws SourceError CredentialsNotFound when there is no usable token.
 */
export async function readCredentials(folder: string): Promise<Credentials> {
  if ((await readOptional(join(folder, 'dockerconfig.json'))) !== undefined) {
    throw new SourceError(
      'CredentialsNotFound',
      'spec.credentials names logins of registries (.dockerconfigjson), and this source is none. Name a key with a token.',
    );
  }
  const token = await readOptional(join(folder, 'token'));
  if (token === undefined || token === '') {
    throw new SourceError(
      'CredentialsNotFound',
      'spec.credentials is set, and the puller was given no token. Create the Secret with the key that spec.credentials names, or remove spec.credentials.',
    );
  }
  const username = await readOptional(join(folder, 'username'));
  if (username) {
    if (/[:\p{Cc}]/u.test(username) || /\p{Cc}/u.test(token)) {
      throw new SourceError(
        'CredentialsNotFound',
        'The user name in the Secret that spec.credentials names holds a colon, or it or the password a line break or another control character: neither can be sent. Store the bare words.',
      );
    }
  } else if (!/^[\x21-\x7e]+$/.test(token)) {
    throw new SourceError(
      'CredentialsNotFound',
      'The token in the Secret that spec.credentials names holds spaces, line breaks or characters that no HTTP header can carry. Store the bare token.',
    );
  }
  const host = await readOptional(join(folder, 'host'));
  return {
    token,
    ...(username ? { username } : {}),
    ...(host ? { host: host.toLowerCase() } : {}),
  };
}

/** What the credentials say of who asks, to those who may have it. */
export function loginOf({ token, username }: Credentials): Login {
  return username === undefined ? { kind: 'token', token } : { kind: 'password', username, password: token };
}

/**
 * The origin that may have the token: the host that the Secret names, or, where it names none, the public hub of the
 * source. Whoever writes the Secret decides this, and not whoever writes the Model.
 * @param publicHome The public hub or registry of this kind of source, and of no other; undefined where it has none.
 */
export function homeOf({ host }: Credentials, publicHome?: string): string | undefined {
  if (host === undefined) return publicHome;
  return host.includes('://') ? host : `https://${host}`;
}

/**
 * The token, if the endpoint may have it (`homeOf`).
 * @throws SourceError CredentialsForAnotherHost otherwise; nothing has been sent then.
 */
export function tokenFor(endpoint: string, credentials: Credentials, publicHome?: string): string {
  const tokenIsFor = homeOf(credentials, publicHome);
  if (tokenIsFor === new URL(endpoint).origin) return credentials.token;
  throw forAnotherHost(endpoint, tokenIsFor);
}

/** @param tokenIsFor Undefined where the Secret names no host and the source has no public one. */
export function forAnotherHost(endpoint: string, tokenIsFor: string | undefined): SourceError {
  const { host, origin } = new URL(endpoint);
  const wanted = origin.startsWith('https://') ? host : origin;
  const meant =
    tokenIsFor === undefined
      ? 'The Secret names no host that its token is for'
      : `The token is for ${tokenIsFor}`;
  return new SourceError(
    'CredentialsForAnotherHost',
    `${meant}, and the endpoint is ${origin}: it was not sent. If it may have the token, set the Secret's key "host" to ${wanted}.`,
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
