import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { chatFields } from './openai/chat.ts';
import { completionFields } from './openai/completions.ts';
import { embeddingFields } from './openai/embeddings.ts';
import { rerankFields } from './openai/rerank.ts';
import { responseFields } from './openai/responses.ts';
import { ollamaChatFields } from './ollama/chat.ts';
import { ollamaEmbedFields, ollamaOldEmbedFields } from './ollama/embed.ts';
import { ollamaGenerateFields } from './ollama/generate.ts';
import { ollamaShowFields } from './ollama/models.ts';
import { optionFields } from './ollama/options.ts';

const guide = readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'guides', 'serving.md'), 'utf8');

/** The table under a heading: what it says of each field. */
function tableOf(heading: string): Map<string, string> {
  const section = guide.split(`\n### ${heading}\n`)[1]?.split('\n### ')[0] ?? '';
  const rows = section.matchAll(/^\| `(\w+)` +\| (\w+) +\|/gm);
  return new Map(Array.from(rows, ([, field = '', status = '']) => [field, status]));
}

describe('the guide to serving', () => {
  it.each([
    ['Chat completions', chatFields],
    ['Completions', completionFields],
    ['Responses', responseFields],
    ['Embeddings', embeddingFields],
    ['Rerank', rerankFields],
    ['Ollama: chat', ollamaChatFields],
    ['Ollama: generate', ollamaGenerateFields],
    ['Ollama: options', optionFields],
    ['Ollama: embed', ollamaEmbedFields],
    ['Ollama: embeddings', ollamaOldEmbedFields],
    ['Ollama: show', ollamaShowFields],
  ])('says of every field of %s whether it works', (heading, { works, ignored, refused }) => {
    const fields = [
      ...Object.keys(works).map((field) => [field, 'works'] as const),
      ...ignored.map((field) => [field, 'ignored'] as const),
      ...Object.keys(refused).map((field) => [field, 'refused'] as const),
    ];
    expect(Object.fromEntries(tableOf(heading))).toEqual(Object.fromEntries(fields));
  });
});
