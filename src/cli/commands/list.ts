import type { Model } from '../../api/model.ts';
import type { ModelServer } from '../../api/modelserver.ts';
import { models, modelServers } from '../../controllers/kinds.ts';
import { findCondition } from '../../kube/conditions.ts';
import type { Kind, KubeObject, Live } from '../../kube/kind.ts';
import type { Door } from '../door.ts';
import { printList, type Output } from '../output.ts';
import { formatAge, type Column } from '../table.ts';
import type { Terminal } from '../terminal.ts';

export interface ListChoices {
  allNamespaces?: boolean | undefined;
  output?: Output;
}

type Told = Pick<Live<Model> | Live<ModelServer>, 'status'>;
const ready = ({ status }: Told) => findCondition(status?.conditions, 'Ready');

/** The columns of `kubectl get models`. */
export const modelColumns = (now: Date): Column<Live<Model>>[] => [
  { header: 'NAME', of: ({ metadata }) => metadata.name },
  { header: 'READY', of: (model) => ready(model)?.status },
  { header: 'STATUS', of: (model) => ready(model)?.reason },
  { header: 'PROGRESS', of: ({ status }) => status?.progress?.text },
  { header: 'SIZE', of: ({ status }) => status?.resolved?.size },
  { header: 'PARAMS', of: ({ status }) => status?.gguf?.parameters },
  { header: 'QUANT', of: ({ status }) => status?.gguf?.quantization },
  { header: 'SERVERS', of: ({ status }) => status?.servers },
  { header: 'AGE', of: ({ metadata }) => formatAge(metadata.creationTimestamp, now) },
];

/** The columns of `kubectl get modelservers`. */
export const serverColumns = (now: Date): Column<Live<ModelServer>>[] => [
  { header: 'NAME', of: ({ metadata }) => metadata.name },
  { header: 'MODEL', of: ({ spec }) => spec.modelRef.name },
  { header: 'READY', of: ({ status }) => status?.ready },
  { header: 'STATUS', of: (server) => ready(server)?.reason },
  { header: 'LOADING', of: ({ status }) => status?.load?.text },
  { header: 'GPU', of: ({ spec }) => spec.gpu.count },
  { header: 'ENDPOINT', of: ({ status }) => status?.endpoint },
  { header: 'AGE', of: ({ metadata }) => formatAge(metadata.creationTimestamp, now) },
];

export const list = (door: Door, terminal: Terminal, choices: ListChoices) =>
  printAll(
    door,
    terminal,
    choices,
    models,
    modelColumns(new Date()),
    `Pull one with \`${door.self} pull NAME\`.`,
  );

export const ps = (door: Door, terminal: Terminal, choices: ListChoices) =>
  printAll(
    door,
    terminal,
    choices,
    modelServers,
    serverColumns(new Date()),
    `Load one with \`${door.self} load NAME\`.`,
  );

async function printAll<T extends Model | ModelServer>(
  door: Door,
  terminal: Terminal,
  { allNamespaces = false, output }: ListChoices,
  kind: Kind<T>,
  columns: Column<Live<T>>[],
  hint: string,
): Promise<void> {
  const all = await door.list(kind, allNamespaces);
  if (all.length === 0 && output === undefined) {
    const place = allNamespaces ? 'any namespace' : `namespace ${door.namespace}`;
    terminal.err.write(`There are no ${kind.kind}s in ${place}. ${hint}\n`);
    return;
  }
  const ofNamespace = { header: 'NAMESPACE', of: ({ metadata }: Live<T>) => metadata.namespace };
  printList(
    terminal,
    output,
    kind,
    all.toSorted(byPlace),
    allNamespaces ? [ofNamespace, ...columns] : columns,
  );
}

/** As the API server lists them. */
function byPlace({ metadata: one }: KubeObject, { metadata: other }: KubeObject): number {
  const place = (metadata: KubeObject['metadata']) => `${metadata?.namespace}/${metadata?.name}`;
  return place(one) < place(other) ? -1 : 1;
}
