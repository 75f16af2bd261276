import { Writable } from 'node:stream';
import { CommanderError } from 'commander';
import { describe, expect, it } from 'vitest';
import { CliError } from './failure.ts';
import { exitCodeOf, program } from './program.ts';

/** What a person reads, and how it ends. No cluster is asked: the kubeconfig is none. */
async function use(...words: string[]): Promise<{ said: string; exitCode: number }> {
  let said = '';
  const sink = new Writable({
    write(chunk, _encoding, done) {
      said += String(chunk);
      done();
    },
  });
  const terminal = { out: sink, err: sink, isLive: false, columns: () => 80, colours: false };
  try {
    await program(terminal, '1.2.3').parseAsync(['node', 'longshore', '--kubeconfig', '/nowhere', ...words]);
    return { said, exitCode: 0 };
  } catch (error) {
    if (error instanceof CommanderError) return { said, exitCode: exitCodeOf(error) };
    if (!(error instanceof CliError)) throw error;
    return {
      said: `${said}${error.message}${error.next === undefined ? '' : `\n${error.next}`}`,
      exitCode: error.exitCode,
    };
  }
}

describe('wrong use', () => {
  it.for([
    [['pul'], /unknown command 'pul'\n\(Did you mean pull\?\)/],
    [['pull'], /missing required argument 'model'/],
    [['pull', 'a', 'b'], /too many arguments for 'pull'\. Expected 1 argument but got 2/],
    [['pull', 'm', '--source', 'docker'], /Allowed choices are huggingface, ollama/],
    [['pull', 'm', '--bits', '7'], /Allowed choices are 1, 2, 3, 4, 5, 6, 8, 16, 32/],
    [['pull', 'm', '--revison', 'v1'], /unknown option '--revison'\n\(Did you mean --revision\?\)/],
    [['load', 'm', '--replicas', 'two'], /argument 'two' is invalid\. It has to be a whole number from 0 on/],
    [['load', 'm', '--replicas', '-1'], /It has to be a whole number from 0 on/],
    [['load', 'm', '--context-size', '8'], /It has to be a whole number from 64 on/],
    [['load', 'm', '--parallel', '0'], /It has to be a whole number from 1 on/],
    [['list', '-o', 'xml'], /Allowed choices are json, yaml, name/],
    [['lst'], /Did you mean one of list, ls\?/],
    [['rm'], /missing required argument 'model'/],
    [['unload'], /missing required argument 'model'/],
    [['--contex', 'x', 'list'], /unknown option '--contex'\n\(Did you mean --context\?\)/],
    [[], /Usage: longshore/],
  ] as const)('%j says what is wrong, and ends with 2', async ([words, message]) => {
    const { said, exitCode } = await use(...words);
    expect(said).toMatch(message);
    expect(exitCode).toBe(2);
  });

  it('names the file that is no kubeconfig', async () => {
    const { said, exitCode } = await use('list');
    expect(said).toContain('The kubeconfig cannot be read: ENOENT');
    expect(said).toContain('--kubeconfig');
    expect(exitCode).toBe(4);
  });
});

it('help and version are no wrong use', async () => {
  expect(await use('--version')).toEqual({ said: '1.2.3\n', exitCode: 0 });
  const { said, exitCode } = await use('--help');
  expect(exitCode).toBe(0);
  for (const verb of ['pull', 'list', 'show', 'rm', 'load', 'unload', 'ps', 'run', 'chat']) {
    expect(said).toMatch(new RegExp(`^  ${verb}[ |]`, 'm'));
  }
});
