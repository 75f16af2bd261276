import { access, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { describe, expect, inject } from 'vitest';
import { parseAllDocuments, stringify } from 'yaml';
import { PullerRequest, requestVariable } from '../../src/protocols/puller.ts';
import { run } from '../cluster/commands.ts';
import { cliProgram } from './cli-program.ts';
import { reports, serves, type Part } from './fake-kubelet.ts';
import { itAlone } from './it.ts';
import { commit, weights } from './weights.ts';
import type { World } from './world.ts';

/** What people copy from the guides does what it says there. */
const docs = join(import.meta.dirname, '../../docs');
const guides = ['guides/models.md', 'guides/serving-on-gpus.md', 'networks.md'];

interface Block {
  language: string;
  line: number;
  text: string;
}

async function blocksOf(guide: string): Promise<Block[]> {
  const text = await readFile(join(docs, guide), 'utf8');
  return Array.from(
    text.matchAll(/^```(\w+)\n(.*?)^```$/gms),
    ({ 1: language = '', 2: body = '', index }) => ({
      language,
      line: text.slice(0, index).split('\n').length,
      text: body,
    }),
  );
}

interface Written {
  apiVersion?: string;
  kind?: string;
  metadata?: { name: string };
  spec?: { source?: object };
  [other: string]: unknown;
}

/** The objects of a block; of a part of a Model, the Model. Values of the chart are of another kind. */
function objectsOf({ text }: Block): Written[] {
  const written = parseAllDocuments(text).map((document) => document.toJS() as Written);
  return written.flatMap((object): Written[] => {
    if (object.kind !== undefined) return [object];
    if (object.spec === undefined) return [];
    const source = { huggingFace: { repo: 'owner/name' } };
    const header = { apiVersion: 'longshore.dev/v1alpha1', kind: 'Model', metadata: { name: 'part' } };
    return [{ ...header, spec: { source, ...object.spec } }];
  });
}

/** The commands of a column of the quick start in the README, but for those that ask a server. */
async function quickStart(column: 'kubectl' | 'longshore'): Promise<string[]> {
  const text = await readFile(join(docs, '../README.md'), 'utf8');
  const rows = Array.from(text.matchAll(/^\| (\w*) +\| (.*?) +\| (.*?) +\|$/gm));
  return rows.flatMap(([, step, kubectl = '', longshore = '']) => {
    const cell = column === 'kubectl' ? kubectl : longshore;
    return step === 'Ask' ? [] : Array.from(cell.matchAll(/`(\w+ [^`]+)`/g), ([, command = '']) => command);
  });
}

/** A folder to work in, and a kubectl of one namespace. What would watch shows once what there is. */
class Desk {
  readonly folder: string;
  readonly #world: World;
  readonly #program: string;

  /** @param program the command line */
  constructor(folder: string, world: World, program: string) {
    this.folder = folder;
    this.#world = world;
    this.#program = program;
  }

  shell(script: string): Promise<string> {
    const always = `--kubeconfig '${inject('kubeconfig')}' --namespace '${this.#world.namespace}'`;
    const kubectl = `kubectl() {
      for word do shift; [ "$word" = -w ] || set -- "$@" "$word"; done
      '${inject('kubectl')}' ${always} "$@"
    }`;
    const longshore = `longshore() { '${process.execPath}' '${this.#program}' ${always} "$@"; }`;
    return run('sh', ['-euc', `${kubectl}\n${longshore}\n${script}`], { cwd: this.folder });
  }

  apply(objects: readonly Written[], ...options: string[]): Promise<string> {
    const text = objects.map((object) => stringify(object)).join('---\n');
    const flags = ['--server-side', '--validate=strict', ...options].join(' ');
    return this.shell(`kubectl apply ${flags} -f - <<'END'\n${text}\nEND`);
  }
}

/** Finds a revision of its own for each that a source names. */
const asAsked: Part = async (pod) => {
  const { value = '' } = pod.spec.containers[0]?.env?.find(({ name }) => name === requestVariable) ?? {};
  const { source } = PullerRequest.parse(JSON.parse(value));
  const { inspection, publication } = weights({ revision: commit(source.huggingFace?.revision ?? '') });
  const isPull = pod.spec.containers[0]?.args?.at(-1) === 'pull';
  await reports(isPull ? { publication } : { inspection })(pod);
};

const it = itAlone
  .extend('program', { scope: 'file' }, cliProgram)
  .extend('desk', async ({ world, program }, { onCleanup }) => {
    const folder = await mkdtemp(join(tmpdir(), 'longshore-guide-'));
    onCleanup(() => rm(folder, { recursive: true }));
    return new Desk(folder, world, program);
  });

describe.concurrent('the guides', () => {
  it('have no YAML that the API server would refuse', async ({ desk }) => {
    const ours = new Set(['longshore.dev/v1alpha1', 'v1']);
    const refused: string[] = [];
    for (const guide of guides) {
      const blocks = (await blocksOf(guide)).filter(({ language }) => language === 'yaml');
      expect(blocks.length).toBeGreaterThan(0);
      for (const block of blocks) {
        const objects = objectsOf(block).filter(({ apiVersion = '' }) => ours.has(apiVersion));
        if (objects.length === 0) continue;
        await desk.apply(objects, '--dry-run=server').catch((error: unknown) => {
          refused.push(`${guide}:${block.line}: ${String(error)}`);
        });
      }
    }
    expect(refused).toEqual([]);
  });

  it('name every example of a Model, and nothing that is not there', async ({}) => {
    const guide = join(docs, 'guides/models.md');
    const text = await readFile(guide, 'utf8');
    const links = Array.from(text.matchAll(/\]\(((?:\.\.\/)+[^)#]+)/g), ([, link = '']) => link);
    await Promise.all(links.map((link) => access(join(dirname(guide), link))));
    const examples = (await readdir(join(docs, '../examples'))).filter((name) => /^model.*yaml$/.test(name));
    expect(
      links
        .filter((link) => link.includes('/examples/'))
        .map((link) => basename(link))
        .sort(),
    ).toEqual(examples.sort());
  });

  it('have commands that work, one after another, with the files that they name', async ({ world, desk }) => {
    for (const { language, line, text } of await blocksOf('guides/models.md')) {
      const file = /^# (\S+\.yaml)\n/.exec(text)?.[1];
      if (language === 'yaml' && file !== undefined) {
        for (const { kind, metadata } of objectsOf({ language, line, text })) {
          const name = metadata?.name ?? '';
          if (kind === 'ModelServer') world.kubelet.always({ server: name }, serves);
          if (kind !== 'Model') continue;
          world.kubelet.always({ model: name, task: 'inspect' }, asAsked);
          world.kubelet.always({ model: name, task: 'pull' }, asAsked);
        }
        await writeFile(join(desk.folder, file), text);
      }
      if (language === 'sh') {
        await desk.shell(text).catch((error: unknown) => {
          throw new Error(`docs/guides/models.md:${line}: ${String(error)}`, { cause: error });
        });
      }
    }
  });

  it.for(['kubectl', 'longshore'] as const)(
    'begin with a quick start that works by %s',
    async (column, { world, desk }) => {
      await symlink(join(docs, '../examples'), join(desk.folder, 'examples'));
      world.kubelet.always({ model: 'qwen3-8b', task: 'inspect' }, asAsked);
      world.kubelet.always({ model: 'qwen3-8b', task: 'pull' }, asAsked);
      world.kubelet.always({ server: 'qwen3-8b' }, serves);
      const commands = await quickStart(column);
      expect(commands.length).toBeGreaterThan(6);
      for (const command of commands) {
        await desk.shell(command).catch((error: unknown) => {
          throw new Error(`README.md: ${command}: ${String(error)}`, { cause: error });
        });
      }
      expect(await desk.shell('kubectl get models,modelservers -o name')).toBe('');
    },
  );
});
