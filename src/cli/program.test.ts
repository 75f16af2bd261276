import { describe, expect, it } from 'vitest';
import { use } from './testing/use.ts';

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
    [['unload'], /missing required argument 'server'/],
    [['--contex', 'x', 'list'], /unknown option '--contex'\n\(Did you mean --context\?\)/],
    [['completion', 'tcsh'], /Allowed choices are bash, zsh, fish, powershell/],
    [['version', '-o', 'yaml'], /Allowed choices are json/],
    [[], /Usage: longshore/],
  ] as const)('%j says what is wrong, and ends with 2', async ([words, message]) => {
    const { err, exitCode } = await use('--kubeconfig', '/nowhere', ...words);
    expect(err).toMatch(message);
    expect(exitCode).toBe(2);
  });

  it('names the file that is no kubeconfig', async () => {
    const { err, exitCode } = await use('--kubeconfig', '/nowhere', 'list');
    expect(err).toContain('The kubeconfig cannot be read: ENOENT');
    expect(err).toContain('--kubeconfig');
    expect(exitCode).toBe(4);
  });
});

it('help and version are no wrong use', async () => {
  expect(await use('--version')).toEqual({ exitCode: 0, out: 'from a checkout\n', err: '' });
  const { out, exitCode } = await use('--help');
  expect(exitCode).toBe(0);
  for (const verb of [
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
  ]) {
    expect(out).toMatch(new RegExp(`^  ${verb}[ |]`, 'm'));
  }
});
