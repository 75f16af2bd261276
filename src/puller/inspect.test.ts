import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Fault } from '../../test/hub/faults.ts';
import { tinyGguf } from '../../test/hub/gguf.ts';
import { startHub, type Hub } from '../../test/hub/hub.ts';
import { HuggingFaceSource } from '../api/source.ts';
import { PullerReport } from '../protocols/puller.ts';
import { createHttpGet } from '../sources/http/http.ts';
import { huggingFaceSource } from '../sources/hugging-face/hugging-face.ts';
import { said } from '../sources/testing/said.ts';
import { inspect } from './inspect.ts';
import { encodeReport, mostReportBytes } from './report.ts';

vi.setConfig({ testTimeout: 30_000 });

const repo = 'acme/m';
const patience = { tries: 3, sleep: async () => {}, random: () => 0 };
const { signal } = new AbortController();

let hub: Hub;
afterEach(() => hub.close());

function inspection() {
  const spec = HuggingFaceSource.parse({ repo, endpoint: hub.url });
  return inspect(huggingFaceSource(spec, { get: createHttpGet(), patience }), patience, signal);
}

describe('the header of a file, read over the network', () => {
  beforeEach(async () => {
    hub = await startHub({
      repos: [{ id: repo, files: { 'm-Q4_K_M.gguf': tinyGguf({ size: 3_000_000 }) } }],
    });
  });
  const toCdn = () => hub.requests.filter(({ origin }) => origin === 'cdn');

  const faults: [string, Fault][] = [
    ['a page to log in at', { kind: 'page' }],
    ['less than was asked for', { kind: 'shorter', bytes: 100 }],
    ['a connection that is cut', { kind: 'cut', after: 100 }],
    ['a server error', { kind: 'status', status: 503 }],
  ];

  it.each(faults)('is asked for again after %s', async (_what, fault) => {
    hub.inject(({ number }) => (number === 0 ? fault : undefined));
    await expect(inspection()).resolves.toMatchObject({ gguf: { architecture: 'llama' } });
    expect(toCdn()).toHaveLength(2);
  });

  it.each(faults)('is never taken for another where there is always %s', async (_what, fault) => {
    hub.inject(() => fault);
    expect(await said(inspection())).toMatch(/^SourceUnreachable: /);
    expect(toCdn()).toHaveLength(3);
  });

  it('is found in a file that a server without ranges sends whole', async () => {
    hub.setRanges(false);
    await expect(inspection()).resolves.toMatchObject({ gguf: { architecture: 'llama' } });
  });
});

describe('what is found', () => {
  it('fits into a termination message, whatever a header says', async () => {
    const [longest, most] = ['\u0001'.repeat(128), 2 ** 32 - 1];
    const content = tinyGguf({
      architecture: 'gemma3',
      metadata: {
        'general.license': longest,
        'tokenizer.ggml.model': longest,
        'tokenizer.chat_template': longest,
        'gemma3.context_length': most,
        'gemma3.block_count': 512,
        'gemma3.attention.head_count': 512,
        'gemma3.attention.head_count_kv': 1024,
        'gemma3.attention.key_length': 1024 * 1024,
        'gemma3.attention.value_length': 1024 * 1024,
        'gemma3.attention.sliding_window': most,
      },
    });
    hub = await startHub({ repos: [{ id: repo, files: { 'm-Q4_K_M.gguf': content } }] });
    const found = await inspection();
    expect(Object.keys(found.memory!.slidingWindow!.kvBytesPerToken)).toHaveLength(9);
    const text = encodeReport({ inspection: found });
    expect(Buffer.byteLength(text)).toBeLessThan(mostReportBytes);
    expect(PullerReport.parse(JSON.parse(text))).toEqual({
      inspection: JSON.parse(JSON.stringify(found)) as unknown,
    });
  });
});
