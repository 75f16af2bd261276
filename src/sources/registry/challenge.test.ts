import { describe, expect, it } from 'vitest';
import { parseChallenges } from './challenge.ts';

describe('parseChallenges', () => {
  it('reads what registries send', () => {
    const text =
      'Bearer realm="https://auth.example/token",service="registry.example",scope="repository:a/b:pull,push"';
    expect(parseChallenges(text)).toEqual([
      {
        scheme: 'bearer',
        parameters: {
          realm: 'https://auth.example/token',
          service: 'registry.example',
          scope: 'repository:a/b:pull,push',
        },
      },
    ]);
  });

  it('reads several, in one header or in several, in any case', () => {
    const basic = { scheme: 'basic', parameters: { realm: 'a "b", c' } };
    const bearer = { scheme: 'bearer', parameters: { realm: 'x', service: 'y' } };
    expect(parseChallenges('BASIC Realm="a \\"b\\", c", Bearer realm=x , service = "y"')).toEqual([
      basic,
      bearer,
    ]);
    expect(parseChallenges(['Basic realm="a \\"b\\", c"', 'bearer realm="x",service=y'])).toEqual([
      basic,
      bearer,
    ]);
  });

  it('reads what has no parameters, and nothing from what is none', () => {
    expect(parseChallenges('Negotiate, Basic')).toEqual([
      { scheme: 'negotiate', parameters: {} },
      { scheme: 'basic', parameters: {} },
    ]);
    expect(parseChallenges(undefined)).toEqual([]);
    expect(parseChallenges('realm="x"')).toEqual([]);
    expect(parseChallenges('"')).toEqual([]);
  });
});
