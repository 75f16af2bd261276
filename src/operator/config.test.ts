import { describe, expect, it } from 'vitest';
import { readConfig, readReleaseConfig } from './config.ts';

const images = {
  LONGSHORE_PULLER_IMAGE: 'puller:1',
  LONGSHORE_RUNTIME_IMAGE_CPU: 'runtime:1',
  LONGSHORE_RUNTIME_IMAGE_CUDA: 'runtime:1-cuda',
  LONGSHORE_RUNTIME_IMAGE_VULKAN: 'runtime:1-vulkan',
};

describe('readConfig', () => {
  it('needs the images, and has a default for all else', () => {
    expect(readConfig(images)).toEqual({
      pullerImage: 'puller:1',
      runtimeImages: { cpu: 'runtime:1', cuda: 'runtime:1-cuda', vulkan: 'runtime:1-vulkan' },
      puller: {},
      servers: { network: undefined, pullSecrets: [] },
      pulls: { cluster: undefined, namespace: undefined },
      namespace: undefined,
      concurrency: 8,
      port: 8080,
      logLevel: 'info',
      lease: { namespace: 'default', name: 'longshore-operator' },
      timing: { leaseSeconds: 15, renewSeconds: 10, retrySeconds: 2 },
      instance: 'longshore-operator',
    });
  });

  it('takes what is set', () => {
    const set = {
      LONGSHORE_NAMESPACE: 'models',
      LONGSHORE_CONCURRENCY: '2',
      LONGSHORE_PULLS: '4',
      LONGSHORE_PULLS_PER_NAMESPACE: '1',
      LONGSHORE_PORT: '0',
      LONGSHORE_LEASE_NAME: 'tenant-operator',
      LONGSHORE_LEASE_SECONDS: '1',
      LONGSHORE_RENEW_SECONDS: '0.7',
      HOSTNAME: 'pod-1',
    };
    expect(readConfig({ ...images, ...set })).toMatchObject({
      namespace: 'models',
      concurrency: 2,
      pulls: { cluster: 4, namespace: 1 },
      port: 0,
      lease: { namespace: 'models', name: 'tenant-operator' },
      timing: { leaseSeconds: 1, renewSeconds: 0.7, retrySeconds: 2 },
      instance: 'pod-1',
    });
  });

  it('has the lease where it is told to', () => {
    const set = { LONGSHORE_NAMESPACE: 'models', LONGSHORE_LEASE_NAMESPACE: 'longshore-system' };
    expect(readConfig({ ...images, ...set }).lease.namespace).toBe('longshore-system');
  });

  it('takes for pullers what the spec of a Model takes, with its defaults', () => {
    const puller = { connections: 8, bandwidthLimit: '200Mi', caBundle: { configMapName: 'company-ca' } };
    expect(readConfig({ ...images, LONGSHORE_PULLER: JSON.stringify(puller) }).puller).toEqual({
      ...puller,
      caBundle: { configMapName: 'company-ca', key: 'ca.crt' },
    });
  });

  it.each([
    ['no JSON', '{', /LONGSHORE_PULLER: is not JSON/],
    ['an unknown field', '{"bandwith":"1G"}', /LONGSHORE_PULLER: .*bandwith/],
    ['no rate', '{"bandwidthLimit":"fast"}', /LONGSHORE_PULLER\.bandwidthLimit: /],
    [
      'a proxy with a password',
      '{"proxy":{"httpsProxy":"http://u:p@proxy"}}',
      /LONGSHORE_PULLER\.proxy\.httpsProxy/,
    ],
    ['a bundle from nowhere', '{"caBundle":{}}', /LONGSHORE_PULLER\.caBundle: set exactly one/],
    ['a label of its own', '{"labels":{"longshore.dev/model":"m"}}', /LONGSHORE_PULLER: labels and/],
    ['a key that is none', '{"annotations":{"a b":"m"}}', /LONGSHORE_PULLER\.annotations/],
    [
      'a bundle from two places',
      '{"caBundle":{"configMapName":"a","secretName":"b"}}',
      /LONGSHORE_PULLER\.caBundle: set exactly one/,
    ],
  ])('refuses %s for pullers', (_what, text, told) => {
    expect(() => readConfig({ ...images, LONGSHORE_PULLER: text })).toThrow(told);
  });

  it('takes who reaches servers, and by which Secrets their image is pulled', () => {
    const network = { clients: [{ namespaceSelector: { matchLabels: { team: 'a' } } }], egress: [{}] };
    const { servers } = readConfig({
      ...images,
      LONGSHORE_SERVER_NETWORK: JSON.stringify(network),
      LONGSHORE_SERVER_PULL_SECRETS: 'registry,mirror',
    });
    expect(servers).toEqual({
      network: { ...network, monitoring: [] },
      pullSecrets: ['registry', 'mirror'],
    });
  });

  it.each([
    ['no JSON', '{', /LONGSHORE_SERVER_NETWORK: is not JSON/],
    ['an unknown field', '{"ingress":[]}', /LONGSHORE_SERVER_NETWORK: .*ingress/],
    ['a peer of no known kind', '{"clients":[{"serviceSelector":{}}]}', /LONGSHORE_SERVER_NETWORK\.clients/],
  ])('refuses %s for the network of servers', (_what, text, told) => {
    expect(() => readConfig({ ...images, LONGSHORE_SERVER_NETWORK: text })).toThrow(told);
  });

  it('refuses what no Secret is called', () => {
    expect(() => readConfig({ ...images, LONGSHORE_SERVER_PULL_SECRETS: 'a,B C' })).toThrow(
      /LONGSHORE_SERVER_PULL_SECRETS/,
    );
  });

  it('names every variable that is missing or malformed', () => {
    expect(() =>
      readConfig({ LONGSHORE_RUNTIME_IMAGE_CUDA: '', LONGSHORE_PORT: 'http', LONGSHORE_LOG_LEVEL: 'loud' }),
    ).toThrow(
      /LONGSHORE_PULLER_IMAGE: .*LONGSHORE_RUNTIME_IMAGE_CUDA: .*LONGSHORE_PORT: .*LONGSHORE_LOG_LEVEL: /,
    );
  });
});

describe('readReleaseConfig', () => {
  it('needs nothing, and takes the namespace', () => {
    expect(readReleaseConfig({})).toEqual({ namespace: undefined, logLevel: 'info' });
    expect(readReleaseConfig({ LONGSHORE_NAMESPACE: 'models' })).toMatchObject({ namespace: 'models' });
  });

  it('names what is malformed', () => {
    expect(() => readReleaseConfig({ LONGSHORE_LOG_LEVEL: 'loud' })).toThrow('LONGSHORE_LOG_LEVEL');
  });
});
