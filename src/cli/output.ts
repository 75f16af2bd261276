import { stringify } from 'yaml';
import type { Kind, KubeObject, Live } from '../kube/kind.ts';
import { table, type Column } from './table.ts';
import type { Terminal } from './terminal.ts';

/** Undefined: as people read it. */
export type Output = 'json' | 'yaml' | 'name' | undefined;

/** Prints objects as kubectl would: a table, or for a script whole objects or their names. */
export function printList<T extends KubeObject>(
  { out }: Pick<Terminal, 'out'>,
  output: Output,
  kind: Kind<T>,
  objects: readonly Live<T>[],
  columns: readonly Column<Live<T>>[],
): void {
  const items = objects.map((object) => whole(kind, object));
  if (output === 'json') out.write(`${JSON.stringify({ apiVersion: 'v1', kind: 'List', items }, null, 2)}\n`);
  else if (output === 'yaml') out.write(stringify({ apiVersion: 'v1', kind: 'List', items }));
  else if (output === 'name')
    for (const { metadata } of objects) out.write(`${nameOf(kind, metadata.name)}\n`);
  else out.write(`${table(columns, objects)}\n`);
}

/** The same of one object; `text` is what people read. */
export function printOne<T extends KubeObject>(
  { out }: Pick<Terminal, 'out'>,
  output: Output,
  kind: Kind<T>,
  object: Live<T>,
  text: string,
): void {
  if (output === 'json') out.write(`${JSON.stringify(whole(kind, object), null, 2)}\n`);
  else if (output === 'yaml') out.write(stringify(whole(kind, object)));
  else if (output === 'name') out.write(`${nameOf(kind, object.metadata.name)}\n`);
  else out.write(`${text}\n`);
}

/** `model.longshore.dev/qwen3-8b`, as kubectl takes it. */
export function nameOf(
  { kind, apiVersion }: Pick<Kind<KubeObject>, 'kind' | 'apiVersion'>,
  name: string,
): string {
  return `${kind.toLowerCase()}.${apiVersion.split('/')[0]}/${name}`;
}

/** As the API server writes it, whoever has read it: with its kind, which items of a list lack, and by the names of its members. */
function whole<T extends KubeObject>({ apiVersion, kind }: Kind<T>, object: Live<T>): unknown {
  return byMember({ ...object, apiVersion, kind });
}

function byMember(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(byMember);
  if (typeof value !== 'object' || value === null) return value;
  const members = Object.entries(value).toSorted(([one], [other]) => (one < other ? -1 : 1));
  return Object.fromEntries(members.map(([name, member]) => [name, byMember(member)]));
}
