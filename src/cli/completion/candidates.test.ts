import { describe, expect, it } from 'vitest';
import { program } from '../program.ts';
import { terminalOf } from '../terminal.ts';
import { candidatesFor } from './candidates.ts';

const root = program(terminalOf(process));
const nobody = async (): Promise<string[]> => [];

/** Of a line behind the program's name; what stands behind its last blank is being typed. */
async function valuesFor(line: string, names = nobody): Promise<string[]> {
  const { candidates } = await candidatesFor(root, line.split(' '), names);
  return candidates.map(({ value }) => value);
}

describe('words that are being typed', () => {
  it.for([
    [
      '',
      [
        'pull',
        'list',
        'show',
        'rm',
        'load',
        'unload',
        'ps',
        'search',
        'run',
        'chat',
        'version',
        'completion',
        'help',
      ],
    ],
    ['l', ['list', 'load']],
    ['-n team p', ['pull', 'ps']],
    ['--namespace=team p', ['pull', 'ps']],
    ['list -o ', ['json', 'yaml', 'name']],
    ['ls -o j', ['json']],
    ['list --output=y', ['--output=yaml']],
    ['pull --source ', ['huggingface', 'ollama']],
    ['pull --qu', ['--quantization']],
    ['rm --f', ['--force']],
    ['rm --kube', ['--kubeconfig']],
    ['completion f', ['fish']],
    ['search ', []],
    ['list ', []],
    ['load m --gpus ', []],
    ['run m -- --', []],
  ] as const)('%j go on as %j', async ([line, values]) => {
    expect(await valuesFor(line)).toEqual(values);
  });

  it('are names of what is there, seen from where the line says', async () => {
    const asked: unknown[] = [];
    const names = async (...what: unknown[]) => {
      asked.push(what);
      return ['gemma', 'qwen3-8b'];
    };
    expect(await valuesFor('show q', names)).toEqual(['qwen3-8b']);
    expect(await valuesFor('-n team --server=https://gw unload ', names)).toEqual(['gemma', 'qwen3-8b']);
    expect(await valuesFor('run gemma ', names)).toEqual([]);
    expect(asked).toEqual([
      ['model', {}],
      ['server', { namespace: 'team', server: 'https://gw' }],
    ]);
  });

  it('are left to the shell where a file is meant', async () => {
    expect(await candidatesFor(root, ['--kubeconfig', ''], nobody)).toEqual({ candidates: [], isFile: true });
    expect((await candidatesFor(root, ['-n', ''], nobody)).isFile).toBe(false);
  });
});
