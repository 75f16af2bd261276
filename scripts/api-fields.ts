import { z } from 'zod';
import { OllamaChatRequest } from '../src/protocols/ollama/chat.ts';
import { OllamaEmbedRequest, OllamaOldEmbedRequest } from '../src/protocols/ollama/embed.ts';
import { OllamaGenerateRequest } from '../src/protocols/ollama/generate.ts';
import { OllamaShowRequest } from '../src/protocols/ollama/models.ts';
import { Options } from '../src/protocols/ollama/options.ts';
import { ChatCompletionRequest } from '../src/protocols/openai/chat.ts';
import { CompletionRequest } from '../src/protocols/openai/completions.ts';
import { EmbeddingRequest } from '../src/protocols/openai/embeddings.ts';
import { RerankRequest } from '../src/protocols/openai/rerank.ts';
import { ResponseRequest } from '../src/protocols/openai/responses.ts';
import { requestFields } from '../src/protocols/request.ts';

/** Every request with a body. */
const requests = {
  'POST /v1/chat/completions': ChatCompletionRequest,
  'POST /v1/completions': CompletionRequest,
  'POST /v1/responses': ResponseRequest,
  'POST /v1/embeddings': EmbeddingRequest,
  'POST /v1/rerank': RerankRequest,
  'POST /api/chat': OllamaChatRequest,
  'POST /api/generate': OllamaGenerateRequest,
  '`options` of both': Options,
  'POST /api/embed': OllamaEmbedRequest,
  'POST /api/embeddings': OllamaOldEmbedRequest,
  'POST /api/show': OllamaShowRequest,
};

/** The page that says of each field of each request whether it works. */
export function apiFields(): string {
  return [
    '<!-- Generated from src/protocols by `npm run generate`; do not edit. -->',
    '# Fields of requests',
    '',
    'What a server takes, field by field. [The guide](../guides/serving.md) says what it does with it, and [openapi.json](openapi.json) has the types.',
    '',
    '- **works**: it does what the reference of the API, or the note, says.',
    '- **ignored**: it is taken and changes nothing.',
    '- **refused**: 400 with `unsupported_parameter`, unless it is null or one of the values that the note says.',
    '',
    "Any other field is refused with `unknown_parameter`. In Ollama's API both are 400 with the name of the field in the message.",
    ...Object.entries(requests).flatMap(([heading, schema]) => ['', `## ${heading}`, '', ...tableOf(schema)]),
    '',
  ].join('\n');
}

function tableOf(schema: z.ZodType): string[] {
  const fields = requestFields(schema);
  if (!fields) throw new Error('a request whose fields are not described');
  const rows = [
    ...Object.entries(fields.works).map(([name, field]) => [name, 'works', noteOf(name, field)]),
    ...Object.entries(fields.ignored).map(([name, why]) => [name, 'ignored', why]),
    ...Object.entries(fields.refused).map(([name, { neutral, message }]) => {
      const values = neutral.description;
      return [name, 'refused', `${values === undefined ? '' : `But for ${values}. `}${message}`];
    }),
  ];
  return [
    '| Field | | Note |',
    '| --- | --- | --- |',
    ...rows.map(([name, status, note]) => `| \`${name}\` | ${status} | ${note} |`),
  ];
}

function noteOf(name: string, field: z.core.$ZodType): string {
  const note = z.globalRegistry.get(field)?.description;
  if (note === undefined) throw new Error(`the field ${name} is not described`);
  return note;
}
