import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parseAllDocuments, stringify } from 'yaml';
import type { Deployment } from '../../src/kube/builtin.ts';
import { readConfig, type Config } from '../../src/operator/config.ts';
import { run } from '../cluster/commands.ts';
import { ensureTools } from '../cluster/tools/tools.ts';

const chart = join(import.meta.dirname, '../../charts/longshore');

/** Renders the chart with values, and reads the environment of the operator in it as the operator does. */
const it = test.extend('configOf', { scope: 'file' }, async ({}, { onCleanup }) => {
  const { helm = '' } = await ensureTools(['helm'], { say: (line) => console.error(`chart: ${line}`) });
  const folder = await mkdtemp(join(tmpdir(), 'chart-'));
  onCleanup(() => rm(folder, { recursive: true }));
  return async (values: object): Promise<Config> => {
    const file = join(folder, 'values.yaml');
    await writeFile(file, stringify(values));
    const rendered = await run(helm, ['template', 'longshore', chart, '--values', file]);
    const objects = parseAllDocuments(rendered).map((document) => document.toJS() as Deployment | null);
    const deployment = objects.find((object) => object?.kind === 'Deployment');
    const [container] = deployment!.spec!.template.spec!.containers;
    return readConfig(
      Object.fromEntries(container!.env!.map(({ name, value }) => [name, value ?? 'a-field'])),
    );
  };
});

it('a chart without values leaves pullers to the Models', async ({ configOf }) => {
  expect((await configOf({})).puller).toEqual({});
});

it('a chart hands the values for pullers to the operator as they are', async ({ configOf }) => {
  const puller = {
    connections: 16,
    bandwidthLimit: '200Mi',
    proxy: {
      httpsProxy: 'http://proxy.internal:3128',
      noProxy: ['.svc', '10.0.0.0/8', '[2001:db8::1]:443'],
      secretName: 'proxy-user',
    },
    caBundle: { configMapName: 'company-ca', key: 'ca.crt' },
    tolerations: [{ key: 'a "quoted" key', operator: 'Exists' }],
  };
  expect((await configOf({ puller })).puller).toEqual(puller);
});

it.for([
  ['a field that no Model has', { bandwith: '1G' }, /bandwith/],
  ['a field deep inside that no Model has', { proxy: { httpProxyy: 'http://a' } }, /httpProxyy/],
  ['what a Model cannot say either', { connections: 65 }, /connections/],
] as const)('a chart is not installed with %s for pullers', async ([, puller, told], { configOf }) => {
  await expect(configOf({ puller })).rejects.toThrow(told);
});
