import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { stringify } from 'yaml';
import { z } from 'zod';
import type { KubeObject } from '../../src/kube/kind.ts';
import { run } from '../cluster/commands.ts';
import { ensureTools } from '../cluster/tools/tools.ts';
import { eventually } from './eventually.ts';

/** kubeconform, with schemas from the API server of a test in place of those that it would fetch. */

type Schema = Record<string, unknown>;
const Document = z.object({ components: z.object({ schemas: z.record(z.string(), z.looseObject({})) }) });
const GroupVersionKinds = z.array(z.object({ group: z.string(), version: z.string(), kind: z.string() }));

/** What kubeconform calls the group of `v1` is `v1`. */
const places = '{{.Group}}/{{.ResourceKind}}_{{.ResourceAPIVersion}}.json';

/**
 * @param get answers a path of the API, e.g. `/openapi/v3/api/v1`
 * @throws Error with what kubeconform says of objects that are not as their schemas have them
 */
export async function kubeconform(
  objects: readonly KubeObject[],
  get: (path: string) => Promise<string>,
): Promise<void> {
  const say = (line: string): void => console.error(`kubeconform: ${line}`);
  const { kubeconform: program = '' } = await ensureTools(['kubeconform'], { say });
  const folder = await mkdtemp(join(tmpdir(), 'longshore-schemas-'));
  try {
    const kinds = Map.groupBy(objects, ({ apiVersion = '' }) => apiVersion);
    await Promise.all(
      Array.from(kinds, ([apiVersion, some]) =>
        writeSchemas(apiVersion, new Set(some.map(({ kind = '' }) => kind)), { get, folder }),
      ),
    );
    const input = objects.map((object) => stringify(object)).join('---\n');
    await run(program, ['-strict', '-schema-location', join(folder, places), '-'], { input });
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** A file for each of these kinds, at its place. New kinds are told of a moment after they are there. */
async function writeSchemas(
  apiVersion: string,
  kinds: ReadonlySet<string>,
  { get, folder }: { get: (path: string) => Promise<string>; folder: string },
): Promise<void> {
  const path = `/openapi/v3/${apiVersion.includes('/') ? 'apis' : 'api'}/${apiVersion}`;
  const { components, found } = await eventually(async () => {
    const { components } = Document.parse(JSON.parse(await get(path)));
    const found = Object.entries(components.schemas).flatMap(([name, schema]) => {
      const known = GroupVersionKinds.safeParse(schema['x-kubernetes-group-version-kind']).data ?? [];
      const own = known.find(({ kind }) => kinds.has(kind));
      return own && known.length === 1 ? [{ name, ...own }] : [];
    });
    if (found.length < kinds.size)
      throw new Error(`${path} does not tell of all of ${[...kinds].join(', ')}`);
    return { components, found };
  });
  close(components);
  const [group = ''] = apiVersion.split('/');
  for (const { name, version, kind } of found) {
    const file = join(folder, group, `${kind.toLowerCase()}_${version}.json`);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, JSON.stringify({ $ref: `#/components/schemas/${name}`, components }));
  }
}

/** Has an object take no other properties than those that its schema names: the API server's strict way. */
function close(node: unknown): void {
  if (typeof node !== 'object' || node === null) return;
  const schema = node as Schema;
  const isOpen = 'additionalProperties' in schema || schema['x-kubernetes-preserve-unknown-fields'] === true;
  if (schema['type'] === 'object' && schema['properties'] && !isOpen) schema['additionalProperties'] = false;
  for (const child of Object.values(schema)) close(child);
}
