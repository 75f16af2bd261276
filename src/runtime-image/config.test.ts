import { describe, expect, it } from 'vitest';
import { readConfig } from './config.ts';

const settings = { servedName: 'gemma', modelPath: '/models/gemma.gguf', parallel: 2, gpu: false };

describe('readConfig', () => {
  it('reads the settings of the operator and takes the port of the contract', () => {
    expect(readConfig({ LONGSHORE_SETTINGS: JSON.stringify(settings) })).toMatchObject({
      settings,
      port: 8080,
    });
  });

  it('knows which image it is in, where it is in one', () => {
    const environment = { LONGSHORE_SETTINGS: JSON.stringify(settings) };
    expect(readConfig(environment).variant).toBeUndefined();
    expect(readConfig({ ...environment, LONGSHORE_VARIANT: 'cuda' }).variant).toBe('cuda');
    expect(() => readConfig({ ...environment, LONGSHORE_VARIANT: 'metal' })).toThrow('LONGSHORE_VARIANT');
  });

  it('lets a port be chosen', () => {
    const environment = { LONGSHORE_SETTINGS: JSON.stringify(settings), LONGSHORE_PORT: '8123' };
    expect(readConfig(environment).port).toBe(8123);
  });

  it.each([
    ['absent', undefined],
    ['not JSON', '{'],
    ['incomplete', '{"servedName":"x"}'],
  ])('names the variable whose settings are %s', (_what, text) => {
    expect(() => readConfig({ LONGSHORE_SETTINGS: text })).toThrow('LONGSHORE_SETTINGS');
  });
});
