import { publicHub, publicRegistry } from '../api/source.ts';
import type { SourceOptions } from '../sources/ask.ts';
import { homeOf, loginOf, readCredentials, tokenFor, type RegistryLogin } from '../sources/credentials.ts';
import { loginAmong, readDockerConfig } from '../sources/registry/docker-config.ts';
import { httpSource } from '../sources/files/http-files.ts';
import { huggingFaceSource } from '../sources/hugging-face/hugging-face.ts';
import { parseOciReference } from '../sources/oci/oci-reference.ts';
import { ociSource } from '../sources/oci/oci.ts';
import { registryOf, repositoryOf } from '../sources/ollama/ollama-name.ts';
import { ollamaSource } from '../sources/ollama/ollama.ts';
import type { Source } from '../sources/source.ts';
import { ConfigError, type SourceConfig } from './config.ts';

/**
 * The source that a request names and that files are brought from, with what the mounted Secret holds for it.
 * @throws ConfigError when the request does not name exactly one, SourceError for a Secret that is not for this source.
 */
export async function openSource(
  { request, credentials: folder }: Pick<SourceConfig, 'request' | 'credentials'>,
  options: Omit<SourceOptions, 'token'>,
): Promise<Source> {
  const { huggingFace, ollama, oci, http, volume } = request.source;
  const hasSecret = request.credentials;
  const named = [huggingFace, ollama, oci, http, volume].filter((source) => source !== undefined);
  if (named.length === 1) {
    if (huggingFace !== undefined) {
      const { endpoint } = huggingFace;
      const token = hasSecret ? tokenFor(endpoint, await readCredentials(folder), publicHub) : undefined;
      return huggingFaceSource(huggingFace, { ...options, token });
    }
    if (ollama !== undefined) {
      const at = { endpoint: registryOf(ollama), repository: repositoryOf(ollama) };
      const login = hasSecret ? await registryLogin(folder, at, publicRegistry) : undefined;
      return ollamaSource(ollama, { ...options, login });
    }
    if (oci !== undefined) {
      const login = hasSecret ? await registryLogin(folder, parseOciReference(oci)) : undefined;
      return ociSource(oci, { ...options, login });
    }
    if (http !== undefined) {
      const credentials = hasSecret ? await readCredentials(folder) : undefined;
      const login = credentials && { origin: homeOf(credentials), login: loginOf(credentials) };
      return httpSource(http, { ...options, login });
    }
  }
  throw new ConfigError('The puller cannot start: the request does not name exactly one source.');
}

/** The login of a Secret of either type, if this registry may have it. */
async function registryLogin(
  folder: string,
  { endpoint, repository }: { endpoint: string; repository: string },
  publicHome?: string,
): Promise<RegistryLogin> {
  const config = await readDockerConfig(folder);
  if (config !== undefined) return loginAmong(config, endpoint, repository);
  const credentials = await readCredentials(folder);
  tokenFor(endpoint, credentials, publicHome);
  return loginOf(credentials);
}
