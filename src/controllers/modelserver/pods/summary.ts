/**
 * What people read of a trouble of pods: what is the matter with one of them, how many have the same, and what to do.
 * @param others pods that have the same
 */
export function summary(message: string, others: number, remedy: string): string {
  const so = others === 0 ? '' : `; and so ${others === 1 ? 'another pod' : `${others} other pods`}`;
  return `${message.replace(/\.$/, '')}${so}. ${remedy}`;
}
