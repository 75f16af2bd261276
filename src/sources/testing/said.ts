import { SourceError } from '../source.ts';

/** What a failure tells: its reason and its message. */
export function said(asked: Promise<unknown>): Promise<string> {
  return asked.then(() => 'no failure', told);
}

export function told(error: unknown): string {
  return error instanceof SourceError ? `${error.reason}: ${error.message}` : String(error);
}
