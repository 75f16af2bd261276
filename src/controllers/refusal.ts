import type { Reason } from '../api/reasons.ts';

/**
 * What a refusal of the API server is told as, by its words: it has one status for all that admission refuses. A quota may
 * have room later, also one that was just made and whose use was not counted yet. One that asks for a request or a limit
 * ("failed quota") will not.
 *
 * @see https://github.com/kubernetes/apiserver/blob/master/pkg/admission/plugin/resourcequota/controller.go
 */
export function reasonOfRefusal(words: string): Extract<Reason, 'QuotaExceeded' | 'WriteRefused'> {
  const isForNow = /exceeded quota|status unknown for quota|insufficient quota/.test(words);
  return isForNow ? 'QuotaExceeded' : 'WriteRefused';
}
