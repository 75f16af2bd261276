import { join } from 'node:path';
import { parseAllDocuments, stringify } from 'yaml';
import type { KubeObject } from '../../src/kube/kind.ts';
import { run } from '../cluster/commands.ts';
import { ensureTools } from '../cluster/tools/tools.ts';

const chart = join(import.meta.dirname, '../../charts/longshore');

/** The objects of a release called `longshore`, hooks included. Rejects with what Helm says of values that are wrong. */
export async function renderChart(values: object, namespace = 'default'): Promise<KubeObject[]> {
  const { helm = '' } = await ensureTools(['helm'], { say: (line) => console.error(`chart: ${line}`) });
  const rendered = await run(
    helm,
    ['template', 'longshore', chart, '--namespace', namespace, '--values', '-'],
    { input: stringify(values) },
  );
  return parseAllDocuments(rendered).flatMap((document) => (document.toJS() as KubeObject | null) ?? []);
}
