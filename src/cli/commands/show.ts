import type { Model } from '../../api/model.ts';
import { models } from '../../controllers/kinds.ts';
import { formatBytes } from '../../controllers/text.ts';
import { findCondition } from '../../kube/conditions.ts';
import type { Live } from '../../kube/kind.ts';
import type { Door } from '../door.ts';
import { needModel } from '../lookup.ts';
import { printOne, type Output } from '../output.ts';
import { formatAge } from '../table.ts';
import type { Terminal } from '../terminal.ts';

export async function show(
  door: Door,
  terminal: Terminal,
  asked: string,
  { output }: { output?: Output },
): Promise<void> {
  const model = await needModel(door, asked);
  printOne(terminal, output, models, model, describe(model, new Date()));
}

/** What is known of a Model, in groups; a line is left out where nothing is. */
export function describe({ metadata, status }: Live<Model>, now: Date): string {
  const { artifact, gguf, memory, resolved, storage, history = [], conditions = [] } = status ?? {};
  const ready = findCondition(conditions, 'Ready');
  const bytes = (count: number | undefined) => (count === undefined ? undefined : formatBytes(count));
  const kv = memory?.kvBytesPerToken?.f16;
  const groups: Record<string, [string, string | number | undefined][]> = {
    Model: [
      ['architecture', gguf?.architecture],
      ['parameters', gguf?.parameters],
      ['quantization', gguf?.quantization],
      ['context length', gguf?.contextLength],
      ['chat template', gguf?.chatTemplate === undefined ? undefined : gguf.chatTemplate ? 'yes' : 'no'],
      ['license', gguf?.license],
    ],
    Memory: [
      ['weights', bytes(memory?.weightsBytes)],
      ['context, per 1000 tokens', kv === undefined ? undefined : `${formatBytes(kv * 1000)} (f16)`],
    ],
    Source: [
      ['from', resolved?.source],
      ['revision', artifact?.revision ?? resolved?.revision],
      ['digest', artifact?.digest],
      ['size', artifact ? formatBytes(artifact.sizeBytes) : resolved?.size],
      ['files', artifact?.files.map(({ path }) => path).join(', ')],
    ],
    Storage: [
      ['claim', storage?.claimName],
      ['size', storage?.size],
      ['when the Model goes', storage?.reclaimPolicy],
    ],
    Status: [
      ['ready', ready && `${ready.status} (${ready.reason})`],
      ['', ready?.message],
      ['progress', status?.progress?.text],
      ['servers', status?.servers],
      ['age', formatAge(metadata.creationTimestamp, now)],
    ],
    History: history.map(({ revision, publishedAt, change }) => [
      formatAge(publishedAt, now),
      `${revision.slice(0, 19)} (${change})`,
    ]),
  };
  return Object.entries(groups)
    .flatMap(([title, lines]) => {
      const told = lines.filter(([, value]) => value !== undefined && value !== '');
      const width = Math.max(0, ...told.map(([label]) => label.length));
      return told.length === 0
        ? []
        : [`${title}\n${told.map(([label, value]) => `  ${label.padEnd(width)}  ${value}`).join('\n')}`];
    })
    .join('\n\n');
}
