import { OllamaChatEnd, OllamaChatLine } from '../../protocols/ollama/chat.ts';
import { OllamaEmbeddings, OllamaOldEmbedding } from '../../protocols/ollama/embed.ts';
import { OllamaGenerateEnd, OllamaGenerateLine } from '../../protocols/ollama/generate.ts';
import { OllamaShown } from '../../protocols/ollama/models.ts';
import { ChatCompletion, ChatCompletionChunk } from '../../protocols/openai/chat.ts';
import { Completion } from '../../protocols/openai/completions.ts';
import { EmbeddingList } from '../../protocols/openai/embeddings.ts';
import { Ranking } from '../../protocols/openai/rerank.ts';
import { ResponseEvent, ResponseObject } from '../../protocols/openai/responses.ts';
import { events, json, lines, type Operation } from './operation.ts';

/** What a request to the model may end with. */
const modelErrors = [400, 404, 413, 415, 429, 500, 503] as const;
/** Likewise of Ollama's API, which takes JSON under any content type. */
const ollamaModelErrors = [400, 404, 413, 429, 500, 503] as const;

/** What asks a model, by its path: a server answers it, and a gateway passes it on to one. All of them are POST. */
export const inference = {
  '/v1/chat/completions': {
    id: 'createChatCompletion',
    api: 'OpenAI',
    summary: 'A chat, with tools and structured answers',
    answers: { 200: [json(ChatCompletion), events(ChatCompletionChunk)] },
    errors: modelErrors,
  },
  '/v1/completions': {
    id: 'createCompletion',
    api: 'OpenAI',
    summary: 'Raw text that is continued; no template has a part in it',
    answers: { 200: [json(Completion), events(Completion)] },
    errors: modelErrors,
  },
  '/v1/responses': {
    id: 'createResponse',
    api: 'OpenAI',
    summary: 'A chat in the newer form, as far as text goes; nothing is stored',
    answers: { 200: [json(ResponseObject), events(ResponseEvent)] },
    errors: modelErrors,
  },
  '/v1/embeddings': {
    id: 'createEmbedding',
    api: 'OpenAI',
    summary: 'Vectors of length 1',
    answers: { 200: [json(EmbeddingList)] },
    errors: modelErrors,
  },
  '/v1/rerank': {
    id: 'rerank',
    api: 'OpenAI',
    summary:
      'How well documents answer a query, as Jina and Cohere have it; for models that were made for it',
    answers: { 200: [json(Ranking)] },
    errors: modelErrors,
  },
  '/api/chat': {
    id: 'chat',
    api: 'Ollama',
    summary: 'A chat; streamed, unless stream is false',
    answers: { 200: [lines(OllamaChatLine), json(OllamaChatEnd)] },
    errors: ollamaModelErrors,
  },
  '/api/generate': {
    id: 'generate',
    api: 'Ollama',
    summary: 'A single question, or raw text that is continued; streamed, unless stream is false',
    answers: { 200: [lines(OllamaGenerateLine), json(OllamaGenerateEnd)] },
    errors: ollamaModelErrors,
  },
  '/api/embed': {
    id: 'embed',
    api: 'Ollama',
    summary: 'Vectors of length 1',
    answers: { 200: [json(OllamaEmbeddings)] },
    errors: ollamaModelErrors,
  },
  '/api/embeddings': {
    id: 'embeddings',
    api: 'Ollama',
    summary: 'A vector, in the older form',
    answers: { 200: [json(OllamaOldEmbedding)] },
    errors: ollamaModelErrors,
  },
  '/api/show': {
    id: 'show',
    api: 'Ollama',
    summary: 'What the model is, by the header of its file',
    answers: { 200: [json(OllamaShown)] },
    errors: [400, 404, 413, 503],
  },
} as const satisfies Record<string, Operation>;

export type InferencePath = keyof typeof inference;
