import type {
  ChatRequest,
  EmbeddingsRequest,
  EmbedRequest,
  GenerateRequest,
  Options,
  ShowRequest,
} from 'ollama';
import type { ChatCompletionCreateParamsBase } from 'openai/resources/chat/completions/completions';
import type { CompletionCreateParamsBase } from 'openai/resources/completions';
import type { EmbeddingCreateParams } from 'openai/resources/embeddings';
import type { ResponseCreateParamsBase } from 'openai/resources/responses/responses';
import { describe, expectTypeOf, it } from 'vitest';
import type { ollamaChatFields } from './ollama/chat.ts';
import type { ollamaEmbedFields, ollamaOldEmbedFields } from './ollama/embed.ts';
import type { ollamaGenerateFields } from './ollama/generate.ts';
import type { ollamaShowFields } from './ollama/models.ts';
import type { optionFields } from './ollama/options.ts';
import type { chatFields } from './openai/chat.ts';
import type { completionFields } from './openai/completions.ts';
import type { embeddingFields } from './openai/embeddings.ts';
import type { responseFields } from './openai/responses.ts';

/** Fields that an SDK sends and a request here has never heard of. The compiler looks, when an SDK is updated too. */
type Unheard<Sdk, Fields extends { works: object; ignored: object; refused: object }> = Exclude<
  keyof Sdk,
  keyof Fields['works'] | keyof Fields['ignored'] | keyof Fields['refused']
>;

describe("OpenAI's SDK", () => {
  it('sends no field that is not known here', () => {
    expectTypeOf<Unheard<ChatCompletionCreateParamsBase, typeof chatFields>>().toEqualTypeOf<never>();
    expectTypeOf<Unheard<CompletionCreateParamsBase, typeof completionFields>>().toEqualTypeOf<never>();
    expectTypeOf<Unheard<ResponseCreateParamsBase, typeof responseFields>>().toEqualTypeOf<never>();
    expectTypeOf<Unheard<EmbeddingCreateParams, typeof embeddingFields>>().toEqualTypeOf<never>();
  });
});

describe("Ollama's SDK", () => {
  it('sends no field that is not known here', () => {
    expectTypeOf<Unheard<ChatRequest, typeof ollamaChatFields>>().toEqualTypeOf<never>();
    expectTypeOf<Unheard<GenerateRequest, typeof ollamaGenerateFields>>().toEqualTypeOf<never>();
    expectTypeOf<Unheard<EmbedRequest, typeof ollamaEmbedFields>>().toEqualTypeOf<never>();
    expectTypeOf<Unheard<EmbeddingsRequest, typeof ollamaOldEmbedFields>>().toEqualTypeOf<never>();
    expectTypeOf<Unheard<ShowRequest, typeof ollamaShowFields>>().toEqualTypeOf<never>();
    expectTypeOf<Unheard<Options, typeof optionFields>>().toEqualTypeOf<never>();
  });
});
