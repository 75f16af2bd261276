import type { FastifyRequest } from 'fastify';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { AccessKeys, Scope } from './access.ts';
import { ErrorBody } from '../protocols/openai/error.ts';
import { authorize } from './authorization.ts';
import { aServer } from './testing/objects.ts';
import { answering, startGatewayBefore, type GatewayChoices, type Answer } from './testing/world.ts';

const gatewayBefore = (answers: readonly (Answer | 'absent')[], choices?: GatewayChoices) =>
  startGatewayBefore(onTestFinished, answers, choices);

/** Each scope is the key for itself; `all` has every one. */
const keys: AccessKeys = {
  callerOf: async (key) => {
    const scopes: Scope[] = key === 'all' ? ['infer', 'read', 'manage'] : [key as Scope];
    return ['infer', 'read', 'manage', 'all'].includes(key) ? { name: `key of ${key}`, scopes } : undefined;
  },
};

const guarded = () => gatewayBefore([answering(200, {})], { keys });

describe('a gateway with keys', () => {
  it.each([
    ['/v1/chat/completions', 'infer', 200],
    ['/v1/chat/completions', 'all', 200],
    ['/v1/chat/completions', 'read', 403],
    ['/v1/chat/completions', 'manage', 403],
    ['/v1/chat/completions', 'nobody', 401],
    ['/v1/chat/completions', '', 401],
    ['/api/chat', 'infer', 200],
    ['/api/chat', 'read', 403],
    ['/api/show', 'read', 200],
    ['/api/show', '', 401],
  ])('answers POST %s with the key "%s" by %i', async (path, key, status) => {
    const { post } = await guarded();
    const headers = key === '' ? {} : { authorization: `Bearer ${key}` };
    const answer = await post(path, { model: 'chat' }, { headers });
    expect(answer.status).toBe(status);
    expect(answer.headers.get('www-authenticate')).toBe(status === 401 ? 'Bearer' : null);
  });

  it.each([
    ['/v1/models', 401],
    ['/v1/models/chat', 401],
    ['/v1/models/../models', 401],
    ['//v1/models', 404],
    ['/api/tags', 401],
    ['/', 200],
    ['/healthz', 200],
    ['/api/version', 200],
    ['/nothing', 404],
  ])('answers GET %s without a key by %i', async (path, status) => {
    const { url } = await guarded();
    expect((await fetch(`${url}${path}`)).status).toBe(status);
  });

  it('refuses other methods without a key', async () => {
    const { url } = await guarded();
    for (const path of ['/healthz', '/v1/chat/completions']) {
      const answer = await fetch(`${url}${path}`, { method: 'PUT' });
      expect([answer.status, answer.headers.has('allow')]).toEqual([405, true]);
    }
  });

  it('lists what there is to whoever has a key', async () => {
    const { url } = await guarded();
    for (const key of ['infer', 'read', 'manage']) {
      expect((await fetch(`${url}/v1/models`, { headers: { 'x-api-key': key } })).status).toBe(200);
    }
  });

  it('says which scope lacks, and whose key it is', async () => {
    const { post } = await guarded();
    const answer = await post('/v1/completions', { model: 'chat' }, { headers: { 'x-api-key': 'read' } });
    const { error } = ErrorBody.parse(await answer.json());
    expect(error).toMatchObject({
      code: 'insufficient_scope',
      message: 'The API key "key of read" may read; this needs one that may infer.',
    });
  });

  it('takes its own key beside that of a server, and passes on only the other', async () => {
    const server = aServer('chat', { auth: { secretName: 'keys' } });
    const { post, played } = await gatewayBefore([answering(200, {})], { keys, server });
    const headers = { 'x-api-key': 'infer', authorization: 'Bearer of-the-server' };
    expect((await post('/v1/completions', { model: 'chat' }, { headers })).status).toBe(200);
    expect(played[0]?.heard[0]?.headers).toMatchObject({ authorization: 'Bearer of-the-server' });
    expect(played[0]?.heard[0]?.headers).not.toHaveProperty('x-api-key');
  });

  it.each([
    ['the server', { 'x-api-key': 'infer', authorization: 'Bearer of-the-server' }, 'Bearer of-the-server'],
    [
      'the gateway, which the server refuses where it is none of its own',
      { authorization: 'Bearer infer' },
      'Bearer infer',
    ],
  ])(
    'passes on the Authorization of %s as it came, to a server that has keys',
    async (_, headers, passed) => {
      for (const [auth, expected] of [
        [{ secretName: 'keys' }, passed],
        [undefined, undefined],
      ] as const) {
        const server = aServer('chat', auth && { auth });
        const { post, played } = await gatewayBefore([answering(401, {})], { keys, server });
        expect((await post('/v1/completions', { model: 'chat' }, { headers })).status).toBe(401);
        expect(played[0]?.heard[0]?.headers.authorization).toBe(expected);
      }
    },
  );

  it('takes a route that says nothing for one that changes things', async () => {
    const request = { routeOptions: { url: '/new', config: {} }, headers: { 'x-api-key': 'read' } };
    await expect(authorize(keys, request as unknown as FastifyRequest)).rejects.toMatchObject({
      status: 403,
    });
  });

  it('says on /healthz whether it has keys', async () => {
    const access = async (url: string): Promise<unknown> => (await fetch(`${url}/healthz`)).json();
    expect(await access((await guarded()).url)).toEqual({ status: 'alive', access: 'keys' });
    expect(await access((await gatewayBefore([])).url)).toEqual({ status: 'alive', access: 'open' });
  });
});
