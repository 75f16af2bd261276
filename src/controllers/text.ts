/** Figures and messages as people read them. */

const units = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'];

/** Bytes in powers of ten, as hubs and disks count them: `253MB`, `4.7GB`. */
export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  const digits = unit >= 3 && value < 99.95 ? 1 : 0;
  return `${value.toFixed(digits)}${units[unit]}`;
}

/** `45s`, `3m10s`, `2h05m`. */
export function formatDuration(seconds: number): string {
  const whole = Math.max(0, Math.ceil(seconds));
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor((whole % 3600) / 60), whole % 60];
  const two = (n: number): string => String(n).padStart(2, '0');
  if (hours > 0) return `${hours}h${two(minutes)}m`;
  return minutes > 0 ? `${minutes}m${two(rest)}s` : `${rest}s`;
}

/** Enough of a commit, or of the digest of a manifest, to tell it from others: its first 12 hex digits. */
export function shortRevision(revision: string): string {
  return revision.replace(/^sha256:/, '').slice(0, 12);
}

/** One line, at most 500 characters: messages of others can be long and hold line breaks. */
export function condense(text: string): string {
  const line = text.replace(/\s+/g, ' ').trim();
  return line.length > 500 ? `${line.slice(0, 499)}…` : line;
}
