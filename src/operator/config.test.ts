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
      instance: 'longshore-operator',
    });
  });

  it('takes what is set', () => {
    const set = {
      LONGSHORE_NAMESPACE: 'models',
      LONGSHORE_CONCURRENCY: '2',
      LONGSHORE_PORT: '0',
      HOSTNAME: 'pod-1',
    };
    expect(readConfig({ ...images, ...set })).toMatchObject({
      namespace: 'models',
      concurrency: 2,
      port: 0,
      instance: 'pod-1',
    });
  });

  it('names every variable that is missing or malformed', () => {
    expect(() =>
      readConfig({ LONGSHORE_RUNTIME_IMAGE: '', LONGSHORE_PORT: 'http', LONGSHORE_LOG_LEVEL: 'loud' }),
    ).toThrow(/LONGSHORE_PULLER_IMAGE: .*LONGSHORE_RUNTIME_IMAGE: .*LONGSHORE_PORT: .*LONGSHORE_LOG_LEVEL: /);
  });
});
