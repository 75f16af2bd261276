import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'yaml';
import type { KubeClient } from '../../src/kube/client.ts';
import { findCondition, type Condition } from '../../src/kube/conditions.ts';
import type { Kind, KubeObject } from '../../src/kube/kind.ts';
import { waitFor } from './commands.ts';

export interface Definition extends KubeObject {
  spec: object;
  status?: { conditions?: Condition[] };
}

export const definitions: Kind<Definition> = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  plural: 'customresourcedefinitions',
  namespaced: false,
};

const folder = join(import.meta.dirname, '../../crds');

/** Applies the CRDs of this checkout; resolves when they are served. */
export async function installDefinitions(client: KubeClient): Promise<void> {
  const files = await readdir(folder);
  await Promise.all(
    files.map(async (file) => {
      const definition = parse(await readFile(join(folder, file), 'utf8')) as Definition;
      const { metadata } = await client.apply(definitions, definition);
      await waitFor(`CRD ${metadata.name} to be established`, async () => {
        const { status } = await client.get(definitions, metadata);
        return findCondition(status?.conditions, 'Established')?.status === 'True' ? true : undefined;
      });
    }),
  );
}
