import { isSplit, quantizationInName } from '../gguf/quantization.ts';
import { fileName, isSafePath } from './repo-path.ts';
import { SourceError, type SourceFile } from './source.ts';

export interface FileChoice {
  readonly files?: readonly string[] | undefined;
  readonly quantization?: string | undefined;
}

/** How many names a message lists. */
const mostNames = 12;

/**
 * Chooses the files that a spec names, from all that the repository has.
 * @param repo The repository and its revision as one name, for messages.
 * @throws SourceError FileNotFound, QuantizationNotFound, AmbiguousFiles, NoModelFile.
 */
export function selectFiles(all: readonly SourceFile[], choice: FileChoice, repo: string): SourceFile[] {
  const candidates = all.filter((file) => isSafePath(file.path));
  if (choice.files !== undefined) return selectByName(candidates, choice.files, repo);

  const models = candidates.filter((file) => isModel(file.path));
  if (models.length === 0) {
    throw new SourceError(
      'NoModelFile',
      `${repo} has no GGUF file among its ${all.length} files. Choose a repository that publishes GGUF files.`,
    );
  }
  const { quantization } = choice;
  const chosen =
    quantization === undefined
      ? models
      : models.filter((file) => quantizationInName(file.path) === quantization.toUpperCase());
  if (quantization !== undefined && chosen.length === 0) {
    throw new SourceError(
      'QuantizationNotFound',
      `${repo} has no GGUF file with the quantization ${quantization}. It has ${listed(choices(models))}.`,
    );
  }
  const [only, ...others] = chosen;
  if (only !== undefined && others.length === 0 && !isSplit(only.path)) return [only];
  throw ambiguous(chosen, quantization, repo);
}

function selectByName(
  candidates: readonly SourceFile[],
  names: readonly string[],
  repo: string,
): SourceFile[] {
  const byPath = new Map(candidates.map((file) => [file.path, file]));
  const missing = names.filter((name) => !byPath.has(name));
  if (missing.length > 0) {
    const close = closeNames([...byPath.keys()], missing[0]!);
    throw new SourceError(
      'FileNotFound',
      `${repo} has no file ${missing.join(', ')}.${close.length > 0 ? ` Close to it: ${listed(close)}.` : ''} Check spec.source.huggingFace.files.`,
    );
  }
  if (!names.some(isGguf)) {
    throw new SourceError(
      'NoModelFile',
      `spec.source.huggingFace.files names no GGUF file: ${listed(names)}. Add the one to load.`,
    );
  }
  return [...new Set(names)].map((name) => byPath.get(name)!);
}

function ambiguous(
  chosen: readonly SourceFile[],
  quantization: string | undefined,
  repo: string,
): SourceError {
  const paths = chosen.map((file) => file.path);
  if (paths.every(isSplit) && (quantization !== undefined || choices(chosen).length === 1)) {
    return new SourceError(
      'AmbiguousFiles',
      `${repo} has ${quantization ?? 'its model'} only split over ${paths.length} files, and Longshore chooses single files. Name all of them in spec.source.huggingFace.files, or choose another quantization: ${listed(paths)}.`,
    );
  }
  if (quantization !== undefined) {
    return new SourceError(
      'AmbiguousFiles',
      `${repo} has ${paths.length} GGUF files with the quantization ${quantization}: ${listed(paths)}. Name one in spec.source.huggingFace.files.`,
    );
  }
  return new SourceError(
    'AmbiguousFiles',
    `${repo} has ${paths.length} GGUF files. Set spec.source.huggingFace.quantization, or files, to one of ${listed(choices(chosen))}.`,
  );
}

/** What a person can choose from: quantizations, and the names of files that carry none. */
function choices(files: readonly SourceFile[]): string[] {
  return [...new Set(files.map((file) => quantizationInName(file.path) ?? file.path))].sort();
}

/** Whether a file is a GGUF file. */
export function isGguf(path: string): boolean {
  return /\.gguf$/i.test(path);
}

/** A GGUF file with the weights of a model, not a projector for images or statistics of a quantizer. */
function isModel(path: string): boolean {
  return isGguf(path) && !/mmproj|imatrix/i.test(fileName(path));
}

/** Names that a person may have meant: those that share the longest run of characters with it come first. */
function closeNames(paths: readonly string[], wanted: string): string[] {
  const wantedName = fileName(wanted).toLowerCase();
  const shared = (path: string): number => {
    const name = fileName(path).toLowerCase();
    let length = 0;
    while (length < name.length && name[length] === wantedName[length]) length++;
    return length;
  };
  return paths
    .map((path) => ({ path, shared: shared(path) }))
    .filter(({ shared }) => shared >= 3)
    .sort((a, b) => b.shared - a.shared)
    .slice(0, 5)
    .map(({ path }) => path);
}

function listed(names: readonly string[]): string {
  const shown = names.slice(0, mostNames).join(', ');
  return names.length > mostNames ? `${shown} and ${names.length - mostNames} more` : shown;
}
