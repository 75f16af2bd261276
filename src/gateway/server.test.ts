import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { describe, expect, it, onTestFinished } from 'vitest';
import { ErrorBody } from '../protocols/openai/error.ts';
import { OllamaError } from '../protocols/ollama/error.ts';
import { aModel, anArtifact, aServer, conditions } from './testing/objects.ts';
import { answering, startGatewayBefore, type GatewayChoices, type Answer } from './testing/world.ts';

const gatewayBefore = (answers: readonly (Answer | 'absent')[], choices?: GatewayChoices) =>
  startGatewayBefore(onTestFinished, answers, choices);

const ok = answering(200, { fine: true });

/** A stream whose next piece comes when the test says so. */
function stepwise(type: string): {
  answer: Answer;
  send: (piece: string) => void;
  end: () => void;
  closed: Promise<void>;
} {
  const started = Promise.withResolvers<Parameters<Answer>[1]>();
  const closed = Promise.withResolvers<void>();
  return {
    answer: (_request, response) => {
      response.on('close', () => closed.resolve());
      response.writeHead(200, { 'content-type': type });
      response.flushHeaders();
      started.resolve(response);
    },
    send: (piece) => void started.promise.then((response) => response.write(piece)),
    end: () => void started.promise.then((response) => response.end()),
    closed: closed.promise,
  };
}

describe('a request', { timeout: 30_000 }, () => {
  it.each([
    ['chat', { model: 'chat', n: 1 }],
    ['llama3.1:8b', { model: 'chat', n: 1 }],
    ['team/chat', { model: 'chat', n: 1 }],
    ['chat-weights', { model: 'chat', n: 1 }],
  ])('for %s goes to a replica under the name of its ModelServer', async (model, body) => {
    const { post, played } = await gatewayBefore([ok]);
    const answer = await post(
      '/v1/chat/completions',
      { model, n: 1 },
      { headers: { 'x-request-id': 'id-1' } },
    );
    expect(answer.status).toBe(200);
    expect(await answer.json()).toEqual({ fine: true });
    expect(answer.headers.get('x-request-id')).toBe('id-1');
    expect(played[0]?.heard).toMatchObject([
      { url: '/v1/chat/completions', body, headers: { 'x-request-id': 'id-1' } },
    ]);
  });

  it('of Ollama names its model by either field, and comes as JSON under any name', async () => {
    const { post, played } = await gatewayBefore([ok]);
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    expect((await post('/api/show', { name: 'llama3.1:8b' }, { headers })).status).toBe(200);
    // As Ollama's command line sends it.
    expect((await post('/api/show', { model: '', name: 'llama3.1:8b' }, { headers })).status).toBe(200);
    expect(played[0]?.heard[0]?.body).toEqual({ model: 'chat' });
  });

  it('brings its authorization to a server that has keys of its own, and to no other', async () => {
    const headers = { authorization: 'Bearer secret', cookie: 'a=b' };
    const guarded = await gatewayBefore([ok], { server: aServer('chat', { auth: { secretName: 'keys' } }) });
    await guarded.post('/v1/completions', { model: 'chat' }, { headers });
    expect(guarded.played[0]?.heard[0]?.headers).toMatchObject({ authorization: 'Bearer secret' });
    const open = await gatewayBefore([ok]);
    await open.post('/v1/completions', { model: 'chat' }, { headers });
    expect(open.played[0]?.heard[0]?.headers).not.toHaveProperty('authorization');
    expect(open.played[0]?.heard[0]?.headers).not.toHaveProperty('cookie');
  });

  it('goes to the replica with the fewest others', async () => {
    const slow = stepwise('text/event-stream');
    const { post, played } = await gatewayBefore([slow.answer, slow.answer, slow.answer]);
    const answers = await Promise.all([1, 2, 3].map(() => post('/v1/completions', { model: 'chat' })));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
    expect(played.map(({ heard }) => heard.length)).toEqual([1, 1, 1]);
  });
});

describe('a replica', { timeout: 30_000 }, () => {
  it('counts as free again when it has answered', async () => {
    const slow = stepwise('text/event-stream');
    const { post, played } = await gatewayBefore([slow.answer, ok]);
    const count = (i: number): number => played[i]?.heard.length ?? 0;
    const streams: Response[] = [];
    while (count(0) === 0) streams.push(await post('/v1/completions', { model: 'chat' }));
    const before = count(1);
    for (let i = 0; i < 20; i++) await (await post('/v1/completions', { model: 'chat' })).json();
    expect([count(0), count(1)]).toEqual([1, before + 20]);
  });
});

describe('an answer', { timeout: 30_000 }, () => {
  it.each([
    ['text/event-stream', '/v1/chat/completions', 'data: {"n":1}\n\n', 'data: [DONE]\n\n'],
    ['application/x-ndjson', '/api/chat', '{"n":1}\n', '{"done":true}\n'],
  ])('of %s comes piece by piece, each before the next is made', async (type, path, first, last) => {
    const stream = stepwise(type);
    const { post } = await gatewayBefore([stream.answer]);
    const answer = await post(path, { model: 'chat', stream: true });
    expect(answer.headers.get('content-type')).toBe(type);
    const reader = answer.body!.pipeThrough(new TextDecoderStream()).getReader();
    stream.send(first);
    expect(await reader.read()).toEqual({ done: false, value: first });
    stream.send(last);
    expect(await reader.read()).toEqual({ done: false, value: last });
    stream.end();
    expect(await reader.read()).toMatchObject({ done: true });
  });

  it('is given up when its client goes away, before it begins and after', async () => {
    const stream = stepwise('text/event-stream');
    const { post, admission } = await gatewayBefore([stream.answer]);
    const client = new AbortController();
    const answer = await post('/v1/chat/completions', { model: 'chat' }, { signal: client.signal });
    expect(answer.status).toBe(200);
    client.abort();
    await stream.closed;

    const heard = Promise.withResolvers<void>();
    const closed = Promise.withResolvers<void>();
    const silent = await gatewayBefore([
      (_request, response) => {
        response.on('close', () => closed.resolve());
        heard.resolve();
      },
    ]);
    const another = new AbortController();
    const waiting = silent.post('/v1/completions', { model: 'chat' }, { signal: another.signal });
    await heard.promise;
    another.abort();
    await expect(waiting).rejects.toThrow(/abort/);
    await closed.promise;
    await expect.poll(() => silent.admission.underway).toBe(0);
    expect(admission.underway).toBe(0);
  });

  it('that says no is passed on as it is', async () => {
    const { post } = await gatewayBefore([answering(400, { error: { message: 'no' } })]);
    const answer = await post('/v1/completions', { model: 'chat' });
    expect(answer.status).toBe(400);
    expect(await answer.json()).toEqual({ error: { message: 'no' } });
  });

  it('that breaks off ends the connection: half an answer never looks like a whole one', async () => {
    const broken = Promise.withResolvers<void>();
    const { post } = await gatewayBefore([
      async (_request, response) => {
        response.writeHead(200, { 'content-type': 'text/event-stream' });
        response.write('data: 1\n\n');
        await broken.promise;
        response.destroy();
      },
    ]);
    const answer = await post('/v1/completions', { model: 'chat' });
    broken.resolve();
    await expect(answer.text()).rejects.toThrow(/terminated/);
  });
});

describe('another replica', { timeout: 30_000 }, () => {
  it('is asked when one takes no connection', async () => {
    const { post, played } = await gatewayBefore([ok, 'absent', 'absent']);
    for (let i = 0; i < 5; i++) {
      expect((await post('/v1/completions', { model: 'chat' })).status).toBe(200);
    }
    expect(played[0]?.heard).toHaveLength(5);
  });

  it.each([429, 503])('is asked when one says %i, and the last word is passed on', async (status) => {
    const busy = answering(status, { error: { message: 'busy' } });
    const some = await gatewayBefore([busy, ok]);
    for (let i = 0; i < 5; i++)
      expect((await some.post('/v1/completions', { model: 'chat' })).status).toBe(200);
    const none = await gatewayBefore([busy, busy]);
    const answer = await none.post('/v1/completions', { model: 'chat' });
    expect(answer.status).toBe(status);
    expect(await answer.json()).toEqual({ error: { message: 'busy' } });
    expect(none.played.map(({ heard }) => heard.length)).toEqual([1, 1]);
  });

  it('is asked twice at most', async () => {
    const busy = answering(503, { error: { message: 'busy' } });
    const { post, played } = await gatewayBefore([busy, busy, busy, busy, busy]);
    expect((await post('/v1/completions', { model: 'chat' })).status).toBe(503);
    expect(played.flatMap(({ heard }) => heard)).toHaveLength(3);
  });

  it('is not asked when one breaks off: the request may be why', async () => {
    const crash: Answer = (request) => void request.socket.destroy();
    const { post, played } = await gatewayBefore([crash, crash]);
    const answer = await post('/v1/completions', { model: 'chat' });
    expect(answer.status).toBe(502);
    expect(ErrorBody.parse(await answer.json()).error.code).toBe('replica_failed');
    expect(played.flatMap(({ heard }) => heard)).toHaveLength(1);
  });

  it('is not there: 503, and when to try again', async () => {
    const { post } = await gatewayBefore([ok, 'absent'], {});
    const alone = await gatewayBefore(['absent', ok]);
    alone.caches.put({ servers: [aServer('lost')] });
    expect((await post('/v1/completions', { model: 'chat' })).status).toBe(200);
    const answer = await alone.post('/v1/completions', { model: 'lost' });
    expect(answer.status).toBe(503);
    expect(answer.headers.get('retry-after')).toBe('5');
  });
});

describe('a limit', { timeout: 30_000 }, () => {
  const silent: Answer = () => undefined;

  it('on a replica that sends nothing: 504', async () => {
    const { post } = await gatewayBefore([silent], { limits: { idle: 50 } });
    const answer = await post('/v1/completions', { model: 'chat' });
    expect(answer.status).toBe(504);
    expect(ErrorBody.parse(await answer.json()).error.code).toBe('timeout');
  });

  it('on a whole request: 504, or the end of the connection once the answer has begun', async () => {
    const none = await gatewayBefore([silent], { limits: { request: 50 } });
    expect((await none.post('/v1/completions', { model: 'chat' })).status).toBe(504);
    const stream = stepwise('text/event-stream');
    const begun = await gatewayBefore([stream.answer], { limits: { request: 300 } });
    const answer = await begun.post('/v1/completions', { model: 'chat' });
    await expect(answer.text()).rejects.toThrow(/terminated/);
    await stream.closed;
  });

  it('on requests at the same time: 503 before the body is read, and room again afterwards', async () => {
    const stream = stepwise('text/event-stream');
    const { post, admission } = await gatewayBefore([stream.answer], { admission: { requests: 1 } });
    const first = await post('/v1/completions', { model: 'chat' });
    const second = await post('/v1/completions', { model: 'chat' });
    expect(second.status).toBe(503);
    expect(ErrorBody.parse(await second.json()).error.code).toBe('overloaded');
    stream.end();
    await first.text();
    await expect.poll(() => admission.underway).toBe(0);
    expect((await post('/v1/completions', { model: 'x' })).status).toBe(404);
  });

  it('on the bytes of bodies at the same time, until they are answered', async () => {
    const stream = stepwise('text/event-stream');
    const { post, admission } = await gatewayBefore([stream.answer], { admission: { bytes: 1000 } });
    const long = { model: 'chat', prompt: 'x'.repeat(900) };
    const first = await post('/v1/completions', long);
    expect(first.status).toBe(200);
    expect((await post('/v1/completions', long)).status).toBe(503);
    stream.end();
    await first.text();
    await expect.poll(() => admission.underway).toBe(0);
    expect((await post('/v1/completions', { ...long, model: 'x' })).status).toBe(404);
  });

  it('counts a body that does not tell its length as the longest', async () => {
    const stream = stepwise('text/event-stream');
    const bytes = 8 * 1024 * 1024 + 10;
    const { url, post } = await gatewayBefore([stream.answer], { admission: { bytes } });
    const first = await fetch(`${url}/v1/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: new Blob(['{"model":"chat"}']).stream(),
      duplex: 'half',
    });
    expect(first.status).toBe(200);
    expect((await post('/v1/completions', { model: 'chat' })).status).toBe(503);
    stream.end();
    await first.text();
  });

  it('on the time that a gateway has which ends: what has not begun is told to ask again', async () => {
    const heard = Promise.withResolvers<void>();
    const stream = stepwise('text/event-stream');
    const { post, admission } = await gatewayBefore([
      (...all) => ((all[2].body as { n?: number }).n === 1 ? stream.answer(...all) : heard.resolve()),
    ]);
    const begun = await post('/v1/completions', { model: 'chat', n: 1 });
    const waiting = post('/v1/completions', { model: 'chat' });
    await heard.promise;
    admission.breakOff();
    const answer = await waiting;
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '1']);
    expect(ErrorBody.parse(await answer.json()).error.code).toBe('shutting_down');
    await expect(begun.text()).rejects.toThrow(/terminated/);
    await stream.closed;
  });

  it('on a body: 413', async () => {
    const { post } = await gatewayBefore([ok]);
    const answer = await post('/v1/completions', { model: 'chat', prompt: 'x'.repeat(9 * 1024 * 1024) });
    expect(answer.status).toBe(413);
  });
});

describe('what is refused', { timeout: 30_000 }, () => {
  it.each([
    ['/v1/chat/completions', '{"model":"nobody"}', 404, /'nobody' does not exist/],
    ['/v1/chat/completions', '{}', 400, /name the model/],
    ['/v1/chat/completions', '{"model":7}', 400, /name the model/],
    ['/v1/chat/completions', '[]', 400, /It has to be an object/],
    ['/v1/chat/completions', '{"model"', 400, /JSON/],
    ['/v1/chat/completions', '{"__proto__":{"model":"chat"}}', 400, /__proto__/],
    ['/v1/nothing', '{}', 404, /Unknown request URL/],
    ['/api/chat', '{"model":"nobody"}', 404, /'nobody' does not exist/],
    ['/api/nothing', '{}', 404, /Unknown request URL/],
    ['/v1/completions', '', 400, /The body is empty/],
    ['/v1/completions', `{"model":"chat","prompt":${'['.repeat(300)}1${']'.repeat(300)}}`, 400, /nested/],
    ['/v1/models', '{}', 405, /send GET/],
    ['/api/tags', '{}', 405, /send GET/],
  ])('%s with %s has the shape of its API', async (path, body, status, message) => {
    const { post } = await gatewayBefore([ok]);
    const answer = await post(path, body);
    expect(answer.status).toBe(status);
    const told: unknown = await answer.json();
    const said = path.startsWith('/api/')
      ? OllamaError.parse(told).error
      : ErrorBody.parse(told).error.message;
    expect(said).toMatch(message);
  });

  it('is also what is no request at all', async () => {
    const { url } = await gatewayBefore([ok]);
    const { port } = new URL(url);
    const socket = connect(Number(port), '127.0.0.1');
    socket.end('NONSENSE\r\n\r\n');
    const [head, body = ''] = (await text(socket)).split('\r\n\r\n');
    expect(head).toContain('400 Bad Request');
    expect(ErrorBody.parse(JSON.parse(body)).error.message).toMatch(/no HTTP request/);
    expect((await fetch(`${url}/v1/models/%zz`)).status).toBe(400);
  });

  it('of OpenAI is also what is not called JSON', async () => {
    const { post } = await gatewayBefore([ok]);
    const headers = { 'content-type': 'text/plain' };
    expect((await post('/v1/completions', { model: 'chat' }, { headers })).status).toBe(415);
  });

  it('tells why a model is not ready', async () => {
    const { post, caches } = await gatewayBefore([ok]);
    const status = { conditions: conditions(['Ready', 'False', 'Pulling', '42%']) };
    caches.put({ models: [aModel('coming', { status })] });
    const answer = await post('/api/chat', { model: 'coming' });
    expect(answer.status).toBe(503);
    expect(OllamaError.parse(await answer.json()).error).toContain('Model team/coming: Pulling: 42%');
  });
});

describe('what there is', { timeout: 30_000 }, () => {
  const artifact = anArtifact;
  const gguf = { architecture: 'qwen3', parameters: '8.0B', quantization: 'Q4_K_M' };

  it('is listed under every name, for both APIs', async () => {
    const { url, caches } = await gatewayBefore([ok]);
    const status = { artifact, gguf };
    caches.put({
      models: [aModel('chat-weights', { status }), aModel('idle', { status }), aModel('coming')],
      servers: [aServer('chat', { namespace: 'second', creationTimestamp: '2027-01-01T00:00:00Z' })],
    });
    const json = async (path: string): Promise<unknown> => (await fetch(`${url}${path}`)).json();
    expect(await json('/v1/models')).toMatchObject({
      object: 'list',
      data: [
        { id: 'second/chat' },
        { id: 'chat', owned_by: 'team' },
        { id: 'llama3.1:8b' },
        { id: 'Qwen/Qwen3-8B-GGUF' },
      ],
    });
    expect(await json('/v1/models/Qwen/Qwen3-8B-GGUF')).toMatchObject({
      id: 'Qwen/Qwen3-8B-GGUF',
      object: 'model',
    });
    expect(await json('/v1/models/nobody')).toMatchObject({ error: { code: 'model_not_found' } });
    const tag = { size: 42, digest: 'a'.repeat(64), details: { family: 'qwen3', parameter_size: '8.0B' } };
    expect(await json('/api/tags')).toMatchObject({
      models: [
        { ...tag, name: 'chat', model: 'chat' },
        { name: 'llama3.1:8b' },
        { name: 'Qwen/Qwen3-8B-GGUF' },
        { ...tag, name: 'idle' },
      ],
    });
    expect(await (await fetch(url)).text()).toBe('Ollama is running');
    expect(await json('/api/version')).toEqual({ version: expect.any(String) as string });
  });

  it('is shown by what its status says, also while no replica of it is ready', async () => {
    const { post, caches } = await gatewayBefore([ok]);
    caches.put({
      models: [
        aModel('idle', { status: { artifact, gguf } }),
        aModel('down-weights', { status: { artifact, gguf } }),
      ],
      servers: [aServer('down', { replicas: 0 })],
    });
    for (const model of ['idle', 'down', 'down-weights']) {
      expect(await (await post('/api/show', { model })).json()).toMatchObject({
        details: { family: 'qwen3' },
      });
    }
    expect((await post('/api/show', { model: 'idle', verbose: [] })).status).toBe(400);
    expect((await post('/api/chat', { model: 'down' })).status).toBe(503);
  });

  it('is said to be loaded while a replica takes requests, with the context of that', async () => {
    const contextSize = 8192;
    const { url, caches, played } = await gatewayBefore([
      answering(200, { phase: 'ready', percent: 100, contextSize }),
    ]);
    caches.put({
      models: [aModel('chat-weights', { status: { artifact, gguf, memory: { weightsBytes: 50 } } })],
    });
    const running = async (): Promise<unknown> => (await fetch(`${url}/api/ps`)).json();
    const chat = { name: 'chat', size: 50, size_vram: 50 };
    expect(await running()).toMatchObject({ models: [{ ...chat, context_length: contextSize }] });
    await running();
    expect(played[0]?.heard.map(({ url }) => url)).toEqual(['/load']);
    const asked = aServer('chat', { runtime: { contextSize: 512, parallel: 1 }, gpu: { count: 0 } });
    caches.put({ servers: [{ ...asked, metadata: { ...asked.metadata, name: 'chat' } }] });
    expect(await running()).toMatchObject({ models: [{ ...chat, size_vram: 0, context_length: 512 }] });
  });

  it('is counted', async () => {
    const { post, metrics } = await gatewayBefore([ok]);
    await (await post('/v1/completions', { model: 'chat' })).json();
    await (await post('/v1/completions', { model: 'nobody' })).json();
    await expect
      .poll(() => metrics.text())
      .toContain('longshore_gateway_requests_total{route="/v1/completions",status="404"} 1');
    const text = await metrics.text();
    expect(text).toContain('longshore_gateway_requests_total{route="/v1/completions",status="200"} 1');
    expect(text).toContain('longshore_gateway_sent_total{namespace="team",server="chat"} 1');
  });
});
