import { join } from 'node:path';
import type { MountedFrom } from '../../protocols/puller.ts';
import { readOptional } from '../credentials.ts';
import { basic, type Proxies, type Proxy } from './proxy.ts';
import { SourceError } from '../source.ts';

/**
 * The proxies with the user and the password of a mounted Secret, which itself names the proxy that they are for, in its
 * key `host`: whoever writes the Secret decides this, and not whoever writes the Model.
 * @throws SourceError CredentialsNotFound, CredentialsForAnotherHost; nothing has been sent then.
 */
export async function withCredentials(
  proxies: Proxies,
  folder: string,
  secret: MountedFrom,
): Promise<Proxies> {
  const [host, username, password] = await Promise.all(
    ['host', 'username', 'password'].map((key) => readOptional(join(folder, key))),
  );
  const setting = secret.required ? 'spec.puller.proxy' : "the operator's setting puller.proxy";
  if (!username || password === undefined) {
    const missing = `${secret.name}, which ${setting} names, is not in the namespace of the Model, or lacks the key "username" or "password".`;
    if (secret.required) throw new SourceError('CredentialsNotFound', `${missing} Create it.`);
    return mapProxies(proxies, (proxy) => ({ ...proxy, hint: missing }));
  }
  const given = [proxies.https, proxies.http].flatMap((proxy) => proxy?.origin ?? []);
  const isFor = host && URL.parse(host.includes('://') ? host : `https://${host}`)?.origin;
  if (!isFor || !given.includes(isFor)) {
    const meant = isFor ? `is for ${isFor}, and ${setting} names ${given.join(' and ')}` : 'names no proxy';
    throw new SourceError(
      'CredentialsForAnotherHost',
      `The password in ${secret.name} ${meant}: it was not sent. If that proxy may have it, set the Secret's key "host" to ${given[0]}.`,
    );
  }
  const authorization = basic(username, password);
  return mapProxies(proxies, (proxy) => (proxy.origin === isFor ? { ...proxy, authorization } : proxy));
}

function mapProxies({ https, http, noProxy }: Proxies, change: (proxy: Proxy) => Proxy): Proxies {
  return { https: https && change(https), http: http && change(http), noProxy };
}
