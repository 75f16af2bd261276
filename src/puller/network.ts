import { readAuthorities } from '../sources/http/authorities.ts';
import type { HttpOptions } from '../sources/http/http.ts';
import { withCredentials } from '../sources/http/proxy-credentials.ts';
import type { SourceConfig } from './config.ts';

/**
 * How the source is reached: proxies with their passwords, and authorities beside the public ones.
 * @throws SourceError when the Model names a Secret or a ConfigMap that cannot be used.
 */
export async function readNetwork(config: SourceConfig): Promise<HttpOptions> {
  const { proxyCredentials, caBundle } = config.request;
  const proxies =
    proxyCredentials === undefined
      ? config.proxies
      : await withCredentials(config.proxies, config.proxyCredentials, proxyCredentials);
  const authorities = caBundle && (await readAuthorities(config.caBundle, caBundle));
  return { proxies, certificates: authorities?.certificates, hint: authorities?.hint };
}
