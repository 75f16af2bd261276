/** Longest path that the status of a Model can name (api/model.ts, ModelFile). */
const longestPath = 256;
/** What file systems take for one name, in bytes. */
const longestSegmentBytes = 255;

/**
 * Whether a path that a source states may be made below a folder of the volume: relative, no `.` or `..`, no empty or
 * hidden segment, none that a file system would not take, nothing that another system reads as a separator.
 */
export function isSafePath(path: string): boolean {
  return path.length <= longestPath && !/[\p{Cc}\\]/u.test(path) && path.split('/').every(isSafeSegment);
}

function isSafeSegment(segment: string): boolean {
  return segment !== '' && !segment.startsWith('.') && Buffer.byteLength(segment) <= longestSegmentBytes;
}

/** The last segment of a path. */
export function fileName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

/** A path as it stands in an address: every segment percent-encoded. */
export function encodePath(path: string): string {
  return path.split('/').map(encodeURIComponent).join('/');
}
