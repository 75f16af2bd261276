import type { Log } from '../log.ts';

export interface RecordedLog extends Log {
  /** `level: message` of every line so far. */
  readonly lines: string[];
  readonly fields: object[];
}

export function recordLog(): RecordedLog {
  const lines: string[] = [];
  const fields: object[] = [];
  const at = (level: string) => (about: object, message: string) => {
    lines.push(`${level}: ${message}`);
    fields.push(about);
  };
  return { lines, fields, debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}
