import { describe, expect, it } from 'vitest';
import { readConfig } from './config.ts';

describe('the configuration of a gateway', () => {
  it('has a default for everything', () => {
    expect(readConfig({})).toMatchObject({
      namespace: undefined,
      port: 8080,
      healthPort: 8081,
      idleSeconds: 300,
    });
  });

  it('names every variable that is wrong', () => {
    const wrong = { LONGSHORE_PORT: 'x', LONGSHORE_REQUESTS: '0' };
    expect(() => readConfig(wrong)).toThrow(
      /LONGSHORE_PORT[\s\S]*LONGSHORE_REQUESTS|LONGSHORE_REQUESTS[\s\S]*LONGSHORE_PORT/,
    );
  });
});
