import { z } from 'zod';
import { Duration } from './duration.ts';

/** What is taken where the spec does not say. */
export const defaultInterval = '1h';

export const UpdatePolicy = z
  .object({
    policy: z
      .enum(['Never', 'OnChange'])
      .default('Never')
      .describe(
        'Never: what the source named when it was asked stays until the spec is edited, or the annotation longshore.dev/requested-at has a new value. OnChange: the source is asked again on the interval, and what it names then is pulled beside what serves. A source that cannot move, such as a commit, a digest or files with their sha256, is not asked again.',
      ),
    interval: Duration.default(defaultInterval).describe(
      'How often the source is asked with policy OnChange: a duration such as 30m or 1h30m, at least 1m. Each time is up to a tenth earlier or later, so that many Models do not ask at once.',
    ),
    keepRevisions: z
      .int()
      .min(1)
      .max(10)
      .default(1)
      .describe(
        'How many revisions stay on volumes, the one that serves among them. Switching back to one that is kept downloads nothing.',
      ),
  })
  .meta({
    'x-kubernetes-validations': [
      {
        rule: "self.policy == 'OnChange' || self.interval == '1h'",
        message: 'interval is how often policy OnChange asks: leave it out, or set policy: OnChange',
      },
      {
        rule: "duration(self.interval) >= duration('1m')",
        message: 'interval is at least 1m: a hub that is asked more often answers 429',
      },
    ],
  })
  .describe('When the source is asked again, and what is kept of what it named before.');
export type UpdatePolicy = z.infer<typeof UpdatePolicy>;
