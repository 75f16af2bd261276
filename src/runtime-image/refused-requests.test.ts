import { connect } from 'node:net';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { describe, expect, it, onTestFinished } from 'vitest';
import { OllamaError } from '../protocols/ollama/error.ts';
import { ErrorBody } from '../protocols/openai/error.ts';
import { ollamaServer } from './testing/ollama-server.ts';

/** What somebody reads who asks with curl, and gets something wrong. */
async function told(url: string, payload: string | object, headers: Record<string, string> = {}) {
  const { app } = ollamaServer();
  const answer = await app.inject({
    method: 'POST',
    url,
    payload,
    headers: { 'content-type': 'application/json', ...headers },
  });
  const { message, param } = ErrorBody.parse(answer.json()).error;
  return { status: answer.statusCode, message, param };
}

const chat = '/v1/chat/completions';
const messages = [{ role: 'user', content: 'Hi' }];

describe('a request that is no JSON', () => {
  it.each([
    ['', 'The body is empty: send an object of JSON.'],
    ['{"messages": [}', /^The body is not valid JSON: Unexpected token .* is not valid JSON\.$/],
    ["{'messages': []}", /^The body is not valid JSON: Expected property name .* in JSON at position 1/],
    ['{"messages": [] "n": 1}', /in JSON at position 16 \(line 1 column 17\)\.$/],
    ['{"__proto__": {}}', 'The body has a key __proto__ or constructor.prototype in it, which is not taken.'],
    ['[]', 'It has to be an object, and is a list.'],
    ['null', 'The body is missing: send an object of JSON.'],
    ['"messages"', 'It has to be an object, and is a string.'],
  ])('%j', async (body, message) => {
    const answer = await told(chat, body);
    expect(answer).toMatchObject({ status: 400, param: null });
    expect(answer.message).toMatch(message);
  });

  it('is told so without a body and a content type, too', async () => {
    const answer = await ollamaServer().app.inject({ method: 'POST', url: chat });
    expect(answer.statusCode).toBe(400);
    expect(ErrorBody.parse(answer.json()).error.message).toBe('The body is missing: send an object of JSON.');
    const ollama = await ollamaServer().app.inject({ method: 'POST', url: '/api/chat', payload: '' });
    expect(ollama.statusCode).toBe(400);
    expect(OllamaError.parse(ollama.json()).error).toBe('The body is missing: send an object of JSON.');
  });
});

describe('a body that is nested', () => {
  const nested = (levels: number) => `${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}`;
  // Body, tools, tool and parameters are levels, too.
  const response = (levels: number) =>
    `{"input": "x", "tools": [{"type": "function", "name": "f", "parameters": ${nested(levels - 3)}}]}`;

  it('is taken as deep as it can be written again', async () => {
    const { post } = ollamaServer();
    expect((await post('/v1/responses', response(256))).statusCode).toBe(200);
  });

  it.each([257, 200_000])('is refused where it is deeper: %i', async (levels) => {
    const { status, message } = await told('/v1/responses', response(levels));
    expect(status).toBe(400);
    expect(message).toBe('The body is nested deeper than the 256 levels that are taken.');
  });

  it("is refused in Ollama's API, whatever it is called", async () => {
    const { app } = ollamaServer();
    const payload = `{"messages": [], "options": ${nested(300)}}`;
    const headers = { 'content-type': 'text/plain' };
    const answer = await app.inject({ method: 'POST', url: '/api/chat', payload, headers });
    expect(OllamaError.parse(answer.json()).error).toContain('nested deeper than the 256 levels');
  });
});

describe('a request with a field that is wrong', () => {
  it.each([
    [{}, 'messages', 'Required: a list.'],
    [{ messages: null }, 'messages', 'It has to be a list, and is null.'],
    [{ messages: 'Hi' }, 'messages', 'It has to be a list, and is a string.'],
    [{ messages: [] }, 'messages', 'At least one message.'],
    [{ messages: ['Hi'] }, 'messages[0]', 'It has to be an object, and is a string.'],
    [
      { messages: [{ content: 'Hi' }] },
      'messages[0].role',
      'One of system, developer, user, assistant and tool.',
    ],
    [
      { messages: [{ role: 'user' }] },
      'messages[0].content',
      'It has to be a string or a list of text parts.',
    ],
    [
      { messages: [{ role: 'user', content: [{ type: 'image_url' }] }] },
      'messages[0].content[0].type',
      'Content of type image_url is not supported: this server reads only text.',
    ],
    [{ messages: [{ role: 'tool', content: 'x' }] }, 'messages[0].tool_call_id', 'Required: a string.'],
    [{ messages, max_tokens: '12' }, 'max_tokens', 'It has to be a number, and is a string.'],
    [{ messages, max_tokens: 1.5 }, 'max_tokens', 'It has to be a whole number, and is a fraction.'],
    [{ messages, max_tokens: 0 }, 'max_tokens', 'At least 1.'],
    [{ messages, temperature: 3 }, 'temperature', 'At most 2.'],
    [{ messages, stream: 'yes' }, 'stream', 'It has to be true or false, and is a string.'],
    [{ messages, stop: 5 }, 'stop', 'It has to be a string or a list, and is a number.'],
    [{ messages, stop: Array(17).fill('x') }, 'stop', 'At most 16 items.'],
    [{ messages, logit_bias: { hello: 1 } }, 'logit_bias.hello', 'A token id: a whole number.'],
    [{ messages, truncation: 'yes' }, 'truncation', 'One of "auto", "disabled".'],
    [
      { messages, response_format: { type: 'xml' } },
      'response_format.type',
      'One of "text", "json_object", "json_schema".',
    ],
    [{ messages, response_format: 'json' }, 'response_format', 'It has to be an object, and is a string.'],
    [
      { messages, tool_choice: 'always' },
      'tool_choice',
      'One of none, auto, required, a function by name, and allowed_tools.',
    ],
    [{ messages, tools: [{}] }, 'tools[0].type', 'Only tools of type function are supported'],
    [
      { messages, tools: [{ type: 'function', function: { name: 'a b' } }] },
      'tools[0].function.name',
      'Letters, digits, _ and -, at most 64 of them.',
    ],
    [
      { messages, tools: [{ type: 'function', function: { name: 'a', params: {} } }] },
      'tools[0].function.params',
      'This server does not know the field.',
    ],
    [
      { messages, max_token: 5 },
      'max_token',
      'This server does not know the field: did you mean max_tokens?',
    ],
  ])('%j', async (body, param, message) => {
    const answer = await told(chat, body);
    expect(answer).toMatchObject({ status: 400, param });
    expect(answer.message).toContain(`${param}: ${message}`);
  });

  it.each([
    [{}, 'prompt', 'Required: a string or a list.'],
    [{ prompt: 5 }, 'prompt', 'It has to be a string or a list, and is a number.'],
    [{ prompt: ['a', 'b'] }, 'prompt', 'One prompt for a request: send the others in requests of their own.'],
    [{ prompt: [] }, 'prompt', 'One prompt for a request'],
    [{ prompt: [1, -1] }, 'prompt[1]', 'At least 0.'],
    [{ prompt: 'a', suffix: 5 }, 'suffix', 'It has to be a string, and is a number.'],
  ])('of a completion: %j', async (body, param, message) => {
    const answer = await told('/v1/completions', body);
    expect(answer).toMatchObject({ status: 400, param });
    expect(answer.message).toContain(`${param}: ${message}`);
  });

  it.each([
    [{ input: 5 }, 'input', 'It has to be a string or a list, and is a number.'],
    [{ input: [{ type: 'item_reference', id: 'x' }] }, 'input[0].type', 'One of message, function_call'],
    [{ input: [{ role: 'robot', content: 'x' }] }, 'input[0].role', 'One of system, developer, user'],
    [{ input: 'x', top_logprobs: 2 }, 'top_logprobs', 'Only together with include'],
    [{ input: 'x', text: { verbosity: 'low' } }, 'text.verbosity', 'Only medium'],
    [
      { input: 'x', include: ['file_search_call.results'] },
      'include[0]',
      'Only message.output_text.logprobs',
    ],
  ])('of a response: %j', async (body, param, message) => {
    const answer = await told('/v1/responses', body);
    expect(answer).toMatchObject({ status: 400, param });
    expect(answer.message).toContain(`${param}: ${message}`);
  });

  it('is told with its path to clients of Ollama', async () => {
    const { post } = ollamaServer();
    const options = { temperature: 'hot' };
    const answer = await post('/api/generate', { prompt: 'x', options });
    expect(OllamaError.parse(answer.json()).error).toBe(
      'options.temperature: It has to be a number, and is a string.',
    );
  });

  it('does not repeat what was sent, but for names', async () => {
    const { message } = await told(chat, {
      messages: [{ role: 'user', content: 5 }],
      stop: { my: 'secret' },
    });
    expect(message).not.toContain('secret');
  });
});

describe('a request that goes elsewhere', () => {
  it('is told the name of the model', async () => {
    const { status, message } = await told(chat, { messages, model: 'gpt-4o' });
    expect(status).toBe(404);
    expect(message).toBe(
      "The model 'gpt-4o' does not exist here: this server serves 'gemma'. Send that name, or leave model out.",
    );
  });

  it('is told what is there', async () => {
    const { status, message } = await told('/v1/chat/completion', { messages });
    expect(status).toBe(404);
    expect(message).toMatch(
      /^Unknown request URL: POST \/v1\/chat\/completion\. There are .*\/v1\/responses/,
    );
  });

  it('is told how large a body may be', async () => {
    const { status, message } = await told(chat, { messages, user: 'x'.repeat(9 << 20) });
    expect(status).toBe(413);
    expect(message).toBe('The body is larger than the 8 MiB that are taken.');
  });

  it.each([
    ['GET', chat, 'POST'],
    ['PUT', '/v1/completions', 'POST'],
    ['DELETE', '/v1/models', 'GET, HEAD'],
    ['POST', '/v1/models/gemma', 'GET, HEAD'],
    ['TRACE', '/v1/models', 'GET, HEAD'],
    ['OPTIONS', '/v1/responses', 'POST'],
    ['POST', '/healthz', 'GET, HEAD'],
  ] as const)('is told the methods: %s %s', async (method, url, allow) => {
    const answer = await ollamaServer().app.inject({ method: method as 'GET', url });
    expect(answer.statusCode).toBe(405);
    expect(answer.headers['allow']).toBe(allow);
    const { message, code } = ErrorBody.parse(answer.json()).error;
    expect(code).toBe('method_not_allowed');
    expect(message).toContain(`is not there for ${method}: send ${allow.split(', ').join(' or ')}`);
  });

  it("is told the methods in Ollama's shape, whatever the body is", async () => {
    const headers = { 'content-type': 'text/plain' };
    const { app } = ollamaServer();
    const answer = await app.inject({ method: 'PUT', url: '/api/chat', payload: '{', headers });
    expect(answer.statusCode).toBe(405);
    expect(OllamaError.parse(answer.json()).error).toContain('send POST, with JSON as the body.');
  });
});

describe('a request that cannot be read', () => {
  it.each([
    ['/v1/models/%zz', ErrorBody.transform(({ error }) => error.message)],
    ['/api/blobs/%zz', OllamaError.transform(({ error }) => error)],
  ])('has a URL that is none: %s', async (url, shape) => {
    const answer = await ollamaServer().app.inject(url);
    expect(answer.statusCode).toBe(400);
    expect(shape.parse(answer.json())).toBe(`The URL is not valid: ${url}`);
  });

  it.each([
    ['GARBAGE', 400, 'This is no HTTP request that can be read.'],
    ['BREW /v1/models HTTP/1.1\r\nhost: x', 400, 'This is no HTTP request that can be read.'],
    [
      `GET / HTTP/1.1\r\nhost: x\r\nx: ${'x'.repeat(20_000)}`,
      431,
      'URL and headers are larger than the 16 KiB that are taken.',
    ],
  ])('%.30s', async (head, status, message) => {
    const { app } = ollamaServer();
    await app.listen({ port: 0, host: '127.0.0.1' });
    onTestFinished(() => app.close());
    const { port } = app.server.address() as AddressInfo;
    const socket = connect(port, '127.0.0.1');
    socket.write(`${head}\r\n\r\n`);
    const answer = await text(socket);
    expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    const { error } = ErrorBody.parse(JSON.parse(answer.split('\r\n\r\n')[1] ?? ''));
    expect(error).toMatchObject({ message, type: 'invalid_request_error' });
  });
});

describe('a field of a message that only other servers know', () => {
  it.each([[null], [{}], [[]]])('may be empty: %j', async (nothing) => {
    const { post } = ollamaServer();
    const message = { role: 'user', content: 'Hi', audio: nothing, function_call: nothing };
    expect((await post(chat, { messages: [message] })).statusCode).toBe(200);
    const images = { role: 'user', content: 'Hi', images: nothing };
    expect((await post('/api/chat', { messages: [images], stream: false })).statusCode).toBe(200);
  });

  it.each([[5], [false], [''], ['x'], [['x']], [{ id: 'x' }]])('may not be %j', async (something) => {
    const { message } = await told(chat, { messages: [{ role: 'user', content: 'Hi', audio: something }] });
    expect(message).toBe('messages[0].audio: audio in a message is not supported.');
    const { post } = ollamaServer();
    const answer = await post('/api/chat', { messages: [{ role: 'user', images: something }] });
    expect(OllamaError.parse(answer.json()).error).toContain('Images are not supported');
  });
});
