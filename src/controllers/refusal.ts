import type { Reason } from '../api/reasons.ts';

/** What a refusal of the API server is told as, by its words: it has one status for all that admission refuses. */
export function refusedBy(words: string): Extract<Reason, 'QuotaExceeded' | 'WriteRefused'> {
  return words.includes('exceeded quota') ? 'QuotaExceeded' : 'WriteRefused';
}
