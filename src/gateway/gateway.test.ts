import { KubeConfig } from '@kubernetes/client-node';
import { pino } from 'pino';
import { expect, it } from 'vitest';
import { readConfig } from './config.ts';
import { startGateway } from './gateway.ts';

it('a gateway that cannot fill its caches says so, and ends when it is told to', async () => {
  const kubeConfig = new KubeConfig();
  kubeConfig.loadFromOptions({
    clusters: [{ name: 'none', server: 'https://127.0.0.1:1' }],
    users: [{ name: 'none' }],
    contexts: [{ name: 'none', cluster: 'none', user: 'none' }],
    currentContext: 'none',
  });
  const lines: { msg: string; address?: string }[] = [];
  const log = pino({}, { write: (line: string) => void lines.push(JSON.parse(line) as never) });
  const config = readConfig({ LONGSHORE_PORT: '0', LONGSHORE_HEALTH_PORT: '0' });
  const stopping = new AbortController();
  const started = startGateway(config, log, kubeConfig, stopping.signal);
  const health = (): string | undefined => lines.find(({ msg }) => msg.includes('/readyz'))?.address;
  await expect.poll(health).toBeDefined();
  const address = `http://127.0.0.1:${new URL(health()!).port}`;
  const ready = await fetch(`${address}/readyz`);
  expect([ready.status, await ready.json()]).toEqual([503, { status: 'starting' }]);
  stopping.abort();
  expect(await started).toBeUndefined();
  await expect(fetch(`${address}/readyz`)).rejects.toThrow(/fetch failed/);
});
