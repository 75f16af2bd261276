import { describe, expect, it } from 'vitest';
import { aModel, aServer } from '../../controllers/testing/objects.ts';
import { program } from '../program.ts';
import { terminalOf } from '../terminal.ts';
import { startApiServer, startGateway } from '../testing/stand-ins.ts';
import { complete } from './complete.ts';

const minute = 60_000;
const said = (patience: number, ...words: string[]) =>
  complete(program(terminalOf(process)), words, patience);

describe('what kubectl and the scripts are told', () => {
  it('is a line for each candidate, and whether file names may follow', async () => {
    expect(await said(minute, 'ver')).toMatch(/^version\tThe version of this program.*\n:4\n$/);
    expect(await said(minute, 'list', '-o', '')).toBe('json\nyaml\nname\n:4\n');
    expect(await said(minute, '--kubeconfig', '')).toBe(':0\n');
  });

  it('has the names of what is there, through either door', async () => {
    const stock = { models: [aModel()], modelservers: [aServer()] };
    await using apiServer = await startApiServer(stock);
    await using gateway = await startGateway(stock);
    for (const { options } of [apiServer, gateway]) {
      expect(await said(minute, ...options, 'show', '')).toBe('qwen\tmodel\n:4\n');
      expect(await said(minute, ...options, 'unload', 'c')).toBe('chat\tserver\n:4\n');
    }
  });

  it('has none where they cannot be had, or not in time', async () => {
    expect(await said(minute, '--kubeconfig', '/nowhere', 'show', '')).toBe(':4\n');
    expect(await said(minute, '--server', 'nothing', 'show', '')).toBe(':4\n');
    await using silent = await startGateway({}, { isSilent: true });
    expect(await said(1, ...silent.options, 'show', '')).toBe(':4\n');
  });
});
