import { describe, expect, it } from 'vitest';
import { readConfig } from './config.ts';

const images = { LONGSHORE_PULLER_IMAGE: 'puller:1', LONGSHORE_RUNTIME_IMAGE: 'runtime:1' };

describe('readConfig', () => {
  it('needs the two images, and has a default for all else', () => {
    expect(readConfig(images)).toEqual({
      pullerImage: 'puller:1',
      runtimeImage: 'runtime:1',
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
      LONGSHORE_PORT: '0',
      LONGSHORE_LEASE_NAME: 'tenant-operator',
      LONGSHORE_LEASE_SECONDS: '1',
      LONGSHORE_RENEW_SECONDS: '0.7',
      HOSTNAME: 'pod-1',
    };
    expect(readConfig({ ...images, ...set })).toMatchObject({
      namespace: 'models',
      concurrency: 2,
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

  it('names every variable that is missing or malformed', () => {
    expect(() =>
      readConfig({ LONGSHORE_RUNTIME_IMAGE: '', LONGSHORE_PORT: 'http', LONGSHORE_LOG_LEVEL: 'loud' }),
    ).toThrow(/LONGSHORE_PULLER_IMAGE: .*LONGSHORE_RUNTIME_IMAGE: .*LONGSHORE_PORT: .*LONGSHORE_LOG_LEVEL: /);
  });
});
