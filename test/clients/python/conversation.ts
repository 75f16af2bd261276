/** OpenAI's and Ollama's clients for Python, and LangChain's on both, as a process that asks a server. */
import { join } from 'node:path';
import { z } from 'zod';
import { run } from '../../cluster/commands.ts';
import { pinnedPackages } from '../../hub/python/pip.ts';

const program = join(import.meta.dirname, 'conversation.py');
const requirements = join(import.meta.dirname, 'requirements.txt');

const Line = z.object({ question: z.string(), result: z.unknown().optional(), error: z.string().optional() });

/**
 * What came of each question that conversation.py asks; an error is a text that says so.
 * @param questions default: all that a server answers
 */
export async function pythonConversation(
  url: string,
  questions: readonly string[] = [],
): Promise<ReadonlyMap<string, unknown>> {
  const environment = {
    PYTHONPATH: await pinnedPackages('clients', requirements),
    NO_PROXY: '*',
    no_proxy: '*',
    LANGSMITH_TRACING: 'false',
  };
  const stdout = await run('python3', [program, url, ...questions], {
    env: { ...process.env, ...environment },
  });
  const lines = stdout.trim().split('\n');
  return new Map(
    lines.map((line) => {
      const { question, result, error } = Line.parse(JSON.parse(line));
      return [question, error ?? result];
    }),
  );
}
