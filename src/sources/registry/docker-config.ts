import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { jsonOf } from '../ask.ts';
import type { RegistryLogin } from '../credentials.ts';
import { listed } from '../names.ts';
import { SourceError } from '../source.ts';

/** https://docs.docker.com/reference/cli/docker/login, as Secrets of type kubernetes.io/dockerconfigjson have it. */
const DockerConfig = z.object({
  auths: z.record(
    z.string(),
    z.object({
      auth: z.string().optional(),
      username: z.string().optional(),
      password: z.string().optional(),
      identitytoken: z.string().optional(),
      registrytoken: z.string().optional(),
    }),
  ),
});
type DockerConfig = z.infer<typeof DockerConfig>;
type Entry = DockerConfig['auths'][string];

/** Names that all stand for Docker's own registry. */
const dockerHub = new Set(['docker.io', 'index.docker.io', 'registry-1.docker.io']);

/**
 * Reads the file `dockerconfig.json` of a mounted Secret; undefined where it has none.
 * @throws SourceError CredentialsNotFound for one that cannot be read.
 */
export async function readDockerConfig(folder: string): Promise<DockerConfig | undefined> {
  const text = await readFile(join(folder, 'dockerconfig.json')).catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (text === undefined) return undefined;
  const { data } = DockerConfig.safeParse(jsonOf(text));
  if (data !== undefined) return data;
  throw new SourceError(
    'CredentialsNotFound',
    'The key .dockerconfigjson of the Secret that spec.credentials names holds no `auths`. Make it with `kubectl create secret docker-registry`.',
  );
}

/**
 * The login for a repository, by the entry of its registry; of several the one that names most of the repository's path,
 * as the kubelet chooses. Over plain http only an entry goes that begins with `http://`.
 * @throws SourceError CredentialsForAnotherHost when there is none, CredentialsNotFound when it is empty.
 */
export function loginAmong({ auths }: DockerConfig, endpoint: string, repository: string): RegistryLogin {
  const { protocol, host } = new URL(endpoint);
  const fitting = Object.entries(auths)
    .map(([key, entry]) => ({ ...placeOf(key), entry }))
    .filter(({ isPlain }) => isPlain || protocol === 'https:')
    .filter((place) => sameHost(place.host, host))
    .filter(({ path }) => `${repository}/`.startsWith(path === '' ? '' : `${path}/`))
    .sort((a, b) => b.path.length - a.path.length);
  const [found] = fitting;
  if (found === undefined) {
    const wanted = protocol === 'https:' ? host : `http://${host}`;
    throw new SourceError(
      'CredentialsForAnotherHost',
      `The Secret that spec.credentials names has logins for ${listed(Object.keys(auths)) || 'no registry'}, and none for ${wanted}: nothing was sent. Add it to its auths.`,
    );
  }
  const login = loginIn(found.entry);
  if (login !== undefined) return login;
  throw new SourceError(
    'CredentialsNotFound',
    `The entry for ${host} in the Secret that spec.credentials names holds neither a user name with a password nor a token.`,
  );
}

/** What a key of `auths` is for: `registry`, `registry:5000/team`, `https://index.docker.io/v1/`. */
function placeOf(key: string): { isPlain: boolean; host: string; path: string } {
  const [host = '', ...path] = key.replace(/^https?:\/\//, '').split('/');
  const isVersion = (part: string): boolean => part === 'v1' || part === 'v2';
  return {
    isPlain: key.startsWith('http://'),
    host: host.toLowerCase(),
    path: path.filter((part, i) => part !== '' && !(i === 0 && isVersion(part))).join('/'),
  };
}

function sameHost(one: string, other: string): boolean {
  return one === other || (dockerHub.has(one) && dockerHub.has(other));
}

function loginIn({ auth, identitytoken, registrytoken, ...plain }: Entry): RegistryLogin | undefined {
  if (identitytoken) return { kind: 'identity', token: identitytoken };
  if (registrytoken) return { kind: 'token', token: registrytoken };
  const [, username = plain.username, password = plain.password] =
    /^([^:]*):(.*)$/s.exec(Buffer.from(auth ?? '', 'base64').toString()) ?? [];
  return username && password ? { kind: 'password', username, password } : undefined;
}
