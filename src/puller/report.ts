import { NotGgufError } from '../gguf/header.ts';
import { exitCodes, transientReasons, type PullerReport } from '../protocols/puller.ts';
import { SourceError } from '../sources/source.ts';
import { ConfigError } from './config.ts';

/** What the kubelet reads of a termination message, in bytes. */
export const mostReportBytes = 4096;

type Failure = Extract<PullerReport, { failure: unknown }>['failure'];

/** Says what an error means to the operator and how to exit on it. */
export function failureOf(error: unknown): { failure: Failure; exitCode: number } {
  if (error instanceof ConfigError) {
    return { failure: { reason: 'PullerFailed', message: error.message }, exitCode: exitCodes.final };
  }
  const failure = describe(error);
  return { failure, exitCode: transientReasons.has(failure.reason) ? exitCodes.retryable : exitCodes.final };
}

function describe(error: unknown): Failure {
  if (error instanceof SourceError) return { reason: error.reason, message: error.message };
  if (error instanceof NotGgufError) return { reason: 'NotGGUF', message: error.message };
  if (isOutOfSpace(error)) {
    return {
      reason: 'InsufficientStorage',
      message: `The volume ran full while the files were written (${error.code}). Raise spec.storage.size, or remove what else is on the volume.`,
    };
  }
  const problem = error instanceof Error ? error.message : String(error);
  return { reason: 'PullerFailed', message: `The puller failed unexpectedly: ${problem}` };
}

function isOutOfSpace(error: unknown): error is Error & { code: string } {
  return error instanceof Error && 'code' in error && (error.code === 'ENOSPC' || error.code === 'EDQUOT');
}

/** The termination message. A message that is too long for it is cut. */
export function encodeReport(report: PullerReport): string {
  const text = JSON.stringify(report);
  const excess = Buffer.byteLength(text) - mostReportBytes;
  if (excess <= 0) return text;
  if ('failure' in report) {
    const { reason, message } = report.failure;
    return encodeReport({ failure: { reason, message: shortened(message, excess) } });
  }
  return encodeReport({
    failure: {
      reason: 'PullerFailed',
      message: `The names of the files need ${Buffer.byteLength(text)} bytes to be reported, and ${mostReportBytes} can be. Choose fewer files.`,
    },
  });
}

/** Drops at least so many bytes from the end, in whole characters, and says so by an ellipsis. */
function shortened(message: string, bytes: number): string {
  const characters = Array.from(message);
  for (let dropped = 0; dropped < bytes + 3 && characters.length > 0;) {
    dropped += Buffer.byteLength(characters.pop()!);
  }
  return `${characters.join('')}…`;
}
