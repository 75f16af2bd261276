/** What a script can tell an end by; `longshore --help` lists them. */
export const exitCodes = {
  success: 0,
  /** What was asked for did not come about: a pull that failed, a server that cannot start. */
  failed: 1,
  /** Wrong use: nothing was asked of the cluster. */
  usage: 2,
  notFound: 3,
  /** The cluster cannot be reached, or does not let this user do it. */
  cluster: 4,
  /** Left by Ctrl-C while the cluster goes on. */
  detached: 130,
} as const;

/** An end that is told to a person: what happened, and in a line of its own what to do next. */
export class CliError extends Error {
  readonly exitCode: number;
  readonly next: string | undefined;

  constructor(exitCode: number, message: string, next?: string) {
    super(message);
    this.exitCode = exitCode;
    this.next = next;
  }
}
