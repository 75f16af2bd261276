import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { OllamaError } from '../protocols/ollama/error.ts';
import { ErrorBody } from '../protocols/openai/error.ts';
import { createMetrics } from './metrics.ts';
import { createServer } from './server.ts';
import { newState } from './state.ts';
import { fakeEngine } from './testing/fake-engine.ts';

function aServer() {
  const state = newState('gemma', new Date());
  state.engine = fakeEngine().engine;
  const lines: string[] = [];
  const log = pino({ level: 'debug' }, { write: (line) => void lines.push(line) });
  const app = createServer(state, createMetrics(state), log, { accepts: async (given) => given === 'right' });
  const ask = (url: string, authorization?: string, payload: object = {}) =>
    app.inject({
      method: Object.keys(payload).length > 0 ? 'POST' : 'GET',
      url,
      headers: authorization === undefined ? {} : { authorization },
      ...(Object.keys(payload).length > 0 && { payload }),
    });
  return { app, ask, lines };
}

describe('a server with API keys', () => {
  it.each(['/v1/models', '/api/version', '/api/ps'])('answers whoever has one: %s', async (url) => {
    const { ask } = aServer();
    expect((await ask(url, 'Bearer right')).statusCode).toBe(200);
    expect((await ask(url, 'bearer  right')).statusCode).toBe(200);
  });

  it.each([undefined, '', 'Bearer', 'Bearer ', 'Basic right', 'right', 'Bearer wrong', 'Bearer right wrong'])(
    'refuses %j',
    async (authorization) => {
      const { ask } = aServer();
      const answer = await ask('/v1/completions', authorization, { prompt: 'x' });
      expect(answer.statusCode).toBe(401);
      expect(answer.headers['www-authenticate']).toBe('Bearer');
      expect(ErrorBody.parse(answer.json()).error).toMatchObject({
        type: 'invalid_request_error',
        code: 'invalid_api_key',
      });
      const ollama = await ask('/api/chat', authorization, { messages: [] });
      expect(ollama.statusCode).toBe(401);
      expect(OllamaError.parse(ollama.json()).error).toContain('API key');
    },
  );

  it.each(['/%761/models', '/v1/models/', '/v1//models', '//v1/models', '/x/../v1/models', '/V1/models'])(
    'is not got round by another way to write the address: %s',
    async (url) => {
      expect([401, 404]).toContain((await aServer().ask(url)).statusCode);
    },
  );

  it('refuses before it reads what is asked', async () => {
    const answer = await aServer().app.inject({
      method: 'POST',
      url: '/v1/completions',
      headers: { 'content-type': 'application/json' },
      payload: '{"prompt":',
    });
    expect(answer.statusCode).toBe(401);
  });

  it('answers everybody about its health', async () => {
    const { app, ask } = aServer();
    for (const url of ['/', '/healthz', '/load', '/metrics']) expect((await ask(url)).statusCode).toBe(200);
    expect((await ask('/readyz')).json()).toEqual({ status: 'loading' });
    expect((await app.inject({ method: 'HEAD', url: '/v1/models' })).statusCode).toBe(401);
    expect((await ask('/unknown')).statusCode).toBe(404);
  });

  it('has no key in its log', async () => {
    const { ask, lines } = aServer();
    await ask('/v1/models', 'Bearer right');
    await ask('/v1/models', 'Bearer wrong');
    expect(lines.length).toBeGreaterThan(1);
    expect(lines.join('')).not.toMatch(/right|wrong/);
  });
});
