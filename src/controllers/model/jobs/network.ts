import { basename, dirname } from 'node:path';
import type { CABundle, PullerOptions } from '../../../api/puller-options.ts';
import type { Job } from '../../../kube/builtin.ts';
import { parseQuantity } from '../../../kube/quantity.ts';
import { caBundlePath, proxyCredentialsFolder, type PullerRequest } from '../../../protocols/puller.ts';

type PodSpec = NonNullable<NonNullable<Job['spec']>['template']['spec']>;
type Container = PodSpec['containers'][number];

/** What a pod needs to reach its source. */
export interface Network {
  request: Pick<PullerRequest, 'proxyCredentials' | 'caBundle'>;
  env: NonNullable<Container['env']>;
  mounts: NonNullable<Container['volumeMounts']>;
  volumes: NonNullable<PodSpec['volumes']>;
}

/**
 * Proxies and further authorities. What comes from Secrets and ConfigMaps is mounted by the kubelet from the namespace of
 * the Model, as optional, so that one that is not there becomes an error with a name instead of a pod that never starts.
 * @param own What the Model itself asks for, which must be there; of the rest the operator's settings are the origin.
 */
export function networkOf(own: PullerOptions | undefined, { proxy, caBundle }: PullerOptions): Network {
  const { httpsProxy, httpProxy, noProxy = [], secretName } = proxy ?? {};
  const addresses = { HTTPS_PROXY: httpsProxy, HTTP_PROXY: httpProxy, NO_PROXY: noProxy.join(',') };
  return {
    request: {
      ...(secretName !== undefined && {
        proxyCredentials: { name: `Secret ${secretName}`, required: own?.proxy !== undefined },
      }),
      ...(caBundle && {
        caBundle: { name: nameOf(caBundle), required: own?.caBundle !== undefined },
      }),
    },
    env: Object.entries(addresses).flatMap(([name, value]) => (value ? [{ name, value }] : [])),
    mounts: [
      ...(secretName === undefined
        ? []
        : [{ name: 'proxy-credentials', mountPath: proxyCredentialsFolder, readOnly: true }]),
      ...(caBundle ? [{ name: 'ca-bundle', mountPath: dirname(caBundlePath), readOnly: true }] : []),
    ],
    volumes: [
      ...(secretName === undefined ? [] : [credentialsVolume(secretName)]),
      ...(caBundle ? [bundleVolume(caBundle)] : []),
    ],
  };
}

/** What holds a pull back, as the puller takes it from its environment. */
export function limitsOf({ connections, bandwidthLimit }: PullerOptions): Network['env'] {
  const limits = {
    LONGSHORE_CONNECTIONS: connections,
    LONGSHORE_BYTES_PER_SECOND: bandwidthLimit === undefined ? undefined : parseQuantity(bandwidthLimit),
  };
  return Object.entries(limits).flatMap(([name, value]) =>
    value === undefined ? [] : [{ name, value: String(value) }],
  );
}

function nameOf({ configMapName, secretName, key }: CABundle): string {
  const object = configMapName === undefined ? `Secret ${secretName}` : `ConfigMap ${configMapName}`;
  return `${object} (key ${key})`;
}

function bundleVolume({ configMapName: name, secretName, key }: CABundle): Network['volumes'][number] {
  const items = [{ key, path: basename(caBundlePath) }];
  return name === undefined
    ? { name: 'ca-bundle', secret: { secretName, items, optional: true, defaultMode: 0o440 } }
    : { name: 'ca-bundle', configMap: { name, items, optional: true } };
}

/** Key by key: a projection of several keys of one Secret fails when one of them is missing. */
function credentialsVolume(name: string): Network['volumes'][number] {
  const sources = ['username', 'password', 'host'].map((key) => ({
    secret: { name, items: [{ key, path: key }], optional: true },
  }));
  return { name: 'proxy-credentials', projected: { defaultMode: 0o440, sources } };
}
