import { createInterface } from 'node:readline/promises';
import { text } from 'node:stream/consumers';
import type { NamedSource } from '../../api/choices.ts';
import { ask, type Message, type Question } from '../ask.ts';
import { modelServers } from '../../controllers/kinds.ts';
import type { Door } from '../door.ts';
import { CliError, exitCodes } from '../failure.ts';
import { coloured, type Terminal } from '../terminal.ts';
import { haveLoaded, havePulled } from './load.ts';

export interface AskOptions {
  source?: NamedSource | undefined;
  system?: string | undefined;
  gpus?: number | undefined;
  maxTokens?: number | undefined;
}

/** Pulls and loads a model where that is needed, and prints its answer to one prompt, as it comes. */
export async function run(
  door: Door,
  terminal: Terminal,
  asked: string,
  words: string[],
  options: AskOptions,
): Promise<void> {
  const piped = process.stdin.isTTY ? '' : await text(process.stdin);
  const prompt = [words.join(' '), piped.trim()].filter((part) => part !== '').join('\n\n');
  if (prompt === '') {
    throw new CliError(
      exitCodes.usage,
      'There is nothing to ask.',
      `Write the prompt behind the model or pipe it in; to talk with it, use \`${door.self} chat ${asked}\`.`,
    );
  }
  const server = await haveServed(door, terminal, asked, options, `${door.self} run ${asked}`);
  using way = await door.wayTo(server);
  const stop = new AbortController();
  const interrupted = (): void => stop.abort();
  process.once('SIGINT', interrupted);
  const messages = [...opening(options), { role: 'user' as const, content: prompt }];
  const { signal } = stop;
  try {
    await print(terminal, { way, server, messages, maxTokens: options.maxTokens, signal });
  } finally {
    process.off('SIGINT', interrupted);
  }
  if (signal.aborted) throw new CliError(exitCodes.detached, 'Stopped.');
}

/** Talks with a model until /bye or the end of input. Ctrl-C stops an answer, and without one leaves. */
export async function chat(
  door: Door,
  terminal: Terminal,
  asked: string,
  options: AskOptions,
): Promise<void> {
  const server = await haveServed(door, terminal, asked, options, `${door.self} chat ${asked}`);
  using way = await door.wayTo(server);
  let messages = opening(options);
  const isTalk = process.stdin.isTTY;
  const lines = createInterface({
    input: process.stdin,
    prompt: '>>> ',
    ...(isTalk && { output: process.stdout }),
  });
  let answering: AbortController | undefined;
  lines.on('SIGINT', () => (answering ? answering.abort() : lines.close()));
  if (isTalk) {
    terminal.err.write(
      coloured(terminal, 'dim', 'Ctrl-C stops an answer; /clear forgets, /bye leaves.') + '\n',
    );
  }
  try {
    if (isTalk) lines.prompt();
    for await (const line of lines) {
      const content = line.trim();
      if (content === '/bye') break;
      if (content === '/clear') messages = opening(options);
      else if (content.startsWith('/'))
        terminal.err.write(`There is no ${content}: /clear forgets, /bye leaves.\n`);
      else if (content !== '') {
        messages.push({ role: 'user', content });
        answering = new AbortController();
        const { signal } = answering;
        const answer = await print(terminal, {
          way,
          server,
          messages,
          maxTokens: options.maxTokens,
          signal,
        });
        answering = undefined;
        messages.push({ role: 'assistant', content: answer });
      }
      if (isTalk) lines.prompt();
    }
  } finally {
    lines.close();
  }
}

/**
 * Has a server of the Model answer, one that is there if any is, and says its name. Where nothing can be seen, it is the
 * name that was given: the gateway finds it, or says why not.
 */
async function haveServed(
  door: Door,
  terminal: Terminal,
  asked: string,
  { source, gpus }: AskOptions,
  again: string,
): Promise<string> {
  if (!door.canLook) return asked;
  const model = await havePulled(door, terminal, asked, source, again);
  const name = (await serverOf(door, model)) ?? model;
  await haveLoaded(door, terminal, model, { name, gpus, wait: true }, again);
  return name;
}

async function serverOf(door: Door, model: string): Promise<string | undefined> {
  const all = await door.list(modelServers);
  const names = all.filter(({ spec }) => spec.modelRef.name === model).map(({ metadata }) => metadata.name);
  return names.find((name) => name === model) ?? names[0];
}

const opening = ({ system }: AskOptions): Message[] =>
  system === undefined ? [] : [{ role: 'system', content: system }];

/** Prints an answer as it comes, thoughts apart from it, and answers with its text; what came before an abort counts. */
async function print(terminal: Terminal, question: Question): Promise<string> {
  let answer = '';
  let isThinking = false;
  try {
    for await (const piece of ask(question)) {
      if ('thought' in piece) {
        terminal.err.write(coloured(terminal, 'dim', piece.thought));
        isThinking = true;
        continue;
      }
      if (isThinking) terminal.err.write('\n\n');
      isThinking = false;
      answer += piece.text;
      terminal.out.write(piece.text);
    }
  } catch (error) {
    if (!question.signal.aborted) throw error;
  }
  terminal.out.write('\n');
  return answer;
}
