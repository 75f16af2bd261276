import { describe, expect, it } from 'vitest';
import { effectiveOptions } from './puller-options.ts';

const proxy = { httpsProxy: 'http://proxy.internal:3128', noProxy: ['.svc'] };

describe('the options of a puller', () => {
  it('are those of the operator where the Model says nothing', () => {
    const operators = { connections: 8, bandwidthLimit: '200Mi', proxy, priorityClassName: 'low' };
    expect(effectiveOptions(undefined, operators)).toEqual(operators);
  });

  it('are those of the Model where it says something, and of a proxy nothing is mixed', () => {
    const own = { proxy: { httpProxy: 'http://other:8080' }, nodeSelector: { disk: 'fast' } };
    expect(effectiveOptions(own, { proxy, nodeSelector: { zone: 'a' } })).toEqual({
      ...own,
      connections: undefined,
      bandwidthLimit: undefined,
    });
    const none = { noProxy: ['*'] };
    expect(effectiveOptions({ proxy: none }, { proxy }).proxy).toEqual(none);
  });

  it('have the labels, annotations and pull secrets of both, and for one key the value of the Model', () => {
    const operators = {
      labels: { team: 'platform', tier: 'batch' },
      annotations: { 'sidecar.istio.io/inject': 'false' },
      imagePullSecrets: [{ name: 'registry' }, { name: 'mirror' }],
    };
    const own = {
      labels: { team: 'models' },
      annotations: { note: 'mine' },
      imagePullSecrets: [{ name: 'mirror' }, { name: 'own' }],
    };
    expect(effectiveOptions(own, operators)).toMatchObject({
      labels: { team: 'models', tier: 'batch' },
      annotations: { 'sidecar.istio.io/inject': 'false', note: 'mine' },
      imagePullSecrets: [{ name: 'registry' }, { name: 'mirror' }, { name: 'own' }],
    });
    expect(effectiveOptions({}, operators)).toMatchObject(operators);
  });

  it.each([
    [4, 8, 4],
    [16, 8, 8],
    [undefined, 8, 8],
    [4, undefined, 4],
    [undefined, undefined, undefined],
  ])('with %s connections where the operator allows %s are %s', (own, operators, connections) => {
    expect(effectiveOptions({ connections: own }, { connections: operators }).connections).toBe(connections);
  });

  it.each([
    ['100Mi', '1G', '100Mi'],
    ['1Gi', '1G', '1G'],
    ['900M', '1Gi', '900M'],
    [undefined, '1G', '1G'],
    ['1G', undefined, '1G'],
  ])('with %s a second where the operator allows %s are %s', (own, operators, bandwidthLimit) => {
    const options = effectiveOptions({ bandwidthLimit: own }, { bandwidthLimit: operators });
    expect(options.bandwidthLimit).toBe(bandwidthLimit);
  });
});
