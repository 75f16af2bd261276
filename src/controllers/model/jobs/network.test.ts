import { describe, expect, it } from 'vitest';
import type { PullerOptions } from '../../../api/puller-options.ts';
import { limitsOf, networkOf } from './network.ts';
import { effectiveOptions } from './puller-options.ts';

const proxy = { httpsProxy: 'http://proxy.internal:3128', noProxy: ['.svc', '10.0.0.0/8'] };
const of = (own: PullerOptions | undefined, operators: PullerOptions = {}) =>
  networkOf(own, effectiveOptions(own, operators));

describe('the network of a puller', () => {
  it('is as the cluster has it where nobody says anything', () => {
    expect(of(undefined)).toEqual({ request: {}, env: [], mounts: [], volumes: [] });
  });

  it('has proxies by the variables that everybody knows', () => {
    expect(of({ proxy: { ...proxy, httpProxy: 'http://other:8080' } }).env).toEqual([
      { name: 'HTTPS_PROXY', value: 'http://proxy.internal:3128' },
      { name: 'HTTP_PROXY', value: 'http://other:8080' },
      { name: 'NO_PROXY', value: '.svc,10.0.0.0/8' },
    ]);
  });

  it('has no proxy where the Model wants none', () => {
    const none = of({ proxy: { noProxy: ['*'] } }, { proxy: { ...proxy, secretName: 'user' } });
    expect(none).toEqual({ ...of(undefined), env: [{ name: 'NO_PROXY', value: '*' }] });
  });

  it('has the password of a proxy mounted, each key by itself, and nothing of it in the environment', () => {
    const { request, mounts, volumes, env } = of({ proxy: { ...proxy, secretName: 'proxy-user' } });
    const one = (key: string) => ({
      secret: { name: 'proxy-user', items: [{ key, path: key }], optional: true },
    });
    expect(volumes).toEqual([
      {
        name: 'proxy-credentials',
        projected: { defaultMode: 0o440, sources: [one('username'), one('password'), one('host')] },
      },
    ]);
    expect(mounts).toEqual([
      { name: 'proxy-credentials', mountPath: '/var/run/longshore/proxy', readOnly: true },
    ]);
    expect(request).toEqual({ proxyCredentials: { name: 'Secret proxy-user', required: true } });
    expect(JSON.stringify(env)).not.toContain('proxy-user');
  });

  it('has the certificates of a ConfigMap mounted', () => {
    const { request, mounts, volumes } = of({ caBundle: { configMapName: 'company-ca', key: 'bundle.pem' } });
    const items = [{ key: 'bundle.pem', path: 'ca.crt' }];
    expect(volumes).toEqual([
      { name: 'ca-bundle', configMap: { name: 'company-ca', items, optional: true } },
    ]);
    expect(mounts).toEqual([{ name: 'ca-bundle', mountPath: '/var/run/longshore/ca', readOnly: true }]);
    const name = 'ConfigMap company-ca (key bundle.pem)';
    expect(request).toEqual({ caBundle: { name, required: true } });
  });

  it('has the certificates of a Secret mounted', () => {
    const { request, volumes } = of({ caBundle: { secretName: 'company-ca', key: 'ca.crt' } });
    const items = [{ key: 'ca.crt', path: 'ca.crt' }];
    expect(volumes).toEqual([
      {
        name: 'ca-bundle',
        secret: { secretName: 'company-ca', items, optional: true, defaultMode: 0o440 },
      },
    ]);
    expect(request.caBundle?.name).toBe('Secret company-ca (key ca.crt)');
  });

  it('need not have what only the operator names', () => {
    const operators = {
      proxy: { ...proxy, secretName: 'proxy-user' },
      caBundle: { configMapName: 'company-ca', key: 'ca.crt' },
    };
    const { request } = of({ connections: 4 }, operators);
    expect([request.proxyCredentials?.required, request.caBundle?.required]).toEqual([false, false]);
  });
});

describe('what holds a pull back', () => {
  it('is told in connections, and in bytes', () => {
    expect(limitsOf({ connections: 4, bandwidthLimit: '200Mi' })).toEqual([
      { name: 'LONGSHORE_CONNECTIONS', value: '4' },
      { name: 'LONGSHORE_BYTES_PER_SECOND', value: '209715200' },
    ]);
    expect(limitsOf({})).toEqual([]);
  });
});
