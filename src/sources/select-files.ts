import type { BitsPerWeight } from '../api/choices.ts';
import { bestOfBits, pieceInName, quantizationInName } from '../gguf/quantization.ts';
import { isPattern, matchesPattern } from './file-pattern.ts';
import { closeNames, listed } from './names.ts';
import { fileName, isSafePath } from './repo-path.ts';
import { SourceError, type SourceFile } from './source.ts';

export interface FileChoice {
  /** Names, and patterns for names. */
  readonly files?: readonly string[] | undefined;
  readonly quantization?: string | undefined;
  readonly bits?: BitsPerWeight | undefined;
  /** Where it stands in the Model, for messages. Default: `spec.source.huggingFace`. */
  readonly field?: string | undefined;
}

const defaultField = 'spec.source.huggingFace';

/** The GGUF files that make one model: one, or all pieces of a split one that the repository has, in any order. */
type Model = readonly [SourceFile, ...SourceFile[]];

/**
 * Chooses the files that a spec names, from all that the repository has. A split model comes whole. The first model
 * among the files is the first of the answer.
 * @param repo The repository and its revision as one name, for messages.
 * @throws SourceError FileNotFound, QuantizationNotFound, AmbiguousFiles, NoModelFile, UnsupportedModel.
 */
export function selectFiles(all: readonly SourceFile[], choice: FileChoice, repo: string): SourceFile[] {
  const candidates = all.filter((file) => isSafePath(file.path));
  const { field = defaultField } = choice;
  if (choice.files !== undefined) return selectByName(candidates, choice.files, repo, field);

  const models = modelsAmong(candidates);
  if (models.length === 0) throw noModel(all, candidates, repo);
  const quantization = wantedQuantization(models, choice, repo);
  const chosen =
    quantization === undefined
      ? models
      : models.filter(([{ path }]) => quantizationInName(path) === quantization);
  const [only, ...others] = chosen;
  if (only === undefined) {
    throw new SourceError(
      'QuantizationNotFound',
      `${repo} has no GGUF file with the quantization ${choice.quantization}. It has ${listed(choices(models))}.`,
    );
  }
  if (others.length === 0) return complete(only, repo);
  if (field !== defaultField) {
    throw new SourceError(
      'AmbiguousFiles',
      `${repo} has ${chosen.length} GGUF models: ${listed(pathsOf(chosen))}. Name one in ${field}.files.`,
    );
  }
  throw new SourceError(
    'AmbiguousFiles',
    quantization === undefined
      ? `${repo} has ${chosen.length} GGUF models. Set spec.source.huggingFace.quantization, or files, to one of ${listed(choices(chosen))}; or set bits.`
      : `${repo} has ${chosen.length} GGUF models with the quantization ${quantization}: ${listed(pathsOf(chosen))}. Name one in spec.source.huggingFace.files.`,
  );
}

/** The quantization that is named, or the best-known of so many bits. @throws SourceError QuantizationNotFound. */
function wantedQuantization(
  models: readonly Model[],
  { quantization, bits }: FileChoice,
  repo: string,
): string | undefined {
  if (bits === undefined) return quantization?.toUpperCase();
  const held = models.map(([{ path }]) => quantizationInName(path)).filter((name) => name !== undefined);
  const best = bestOfBits(bits, held);
  if (best !== undefined) return best;
  throw new SourceError(
    'QuantizationNotFound',
    `${repo} has no GGUF file with a quantization of ${bits} bits. It has ${listed(choices(models))}. Set spec.source.huggingFace.bits to what one of them has, or name it in quantization or files.`,
  );
}

function noModel(all: readonly SourceFile[], candidates: readonly SourceFile[], repo: string): SourceError {
  const projectors = candidates.filter(({ path }) => isProjector(path)).map(({ path }) => path);
  return new SourceError(
    'NoModelFile',
    projectors.length === 0
      ? `${repo} has no GGUF file among its ${all.length} files. Choose a repository that publishes GGUF files.`
      : `${repo} has no GGUF file of a model, only of projectors for images or sound: ${listed(projectors)}. Choose a repository that publishes the model as GGUF.`,
  );
}

function selectByName(
  candidates: readonly SourceFile[],
  names: readonly string[],
  repo: string,
  field: string,
): SourceFile[] {
  const named = new Set(names.flatMap((name) => filesNamed(name, candidates, repo, field)));
  if (![...named].some(({ path }) => isGguf(path))) {
    throw new SourceError(
      'NoModelFile',
      `${field}.files names no GGUF file: ${listed(names)}. Add the one to load.`,
    );
  }
  const whole = [...named].flatMap((file) => complete(modelOf(file, candidates), repo));
  const first = whole.find(({ path }) => isModel(path) && !isAdapter(path));
  const model = whole.filter(({ path }) => first !== undefined && modelName(path) === modelName(first.path));
  return [...new Set([...model, ...whole])];
}

/** The files that one entry of `files` stands for, at least one. */
function filesNamed(
  name: string,
  candidates: readonly SourceFile[],
  repo: string,
  field: string,
): SourceFile[] {
  const found = isPattern(name)
    ? candidates.filter(({ path }) => matchesPattern(name, path))
    : candidates.filter(({ path }) => path === name);
  if (found.length === 0) {
    const close = closeNames(
      candidates.map(({ path }) => path),
      name,
    );
    throw new SourceError(
      'FileNotFound',
      `${repo} has no file ${isPattern(name) ? 'that matches ' : ''}${name}.${close.length > 0 ? ` Close to it: ${listed(close)}.` : ''} Check ${field}.files.`,
    );
  }
  const models = groupModels(found.filter(({ path }) => isModel(path) && !isAdapter(path)));
  if (models.length > 1) {
    throw new SourceError(
      'AmbiguousFiles',
      `${name} in ${field}.files matches ${models.length} GGUF models of ${repo}: ${listed(pathsOf(models))}. Make the pattern narrower, or name the one to load.`,
    );
  }
  // A pattern for a quantization may match a projector beside the model, which nobody asked for by that.
  const useful = found.filter(({ path }) => !isProjector(path));
  if (useful.length > 0) return useful;
  throw new SourceError(
    'UnsupportedModel',
    `${listed(found.map(({ path }) => path))} of ${repo} is a projector for images or sound, which the runtime cannot use yet. Remove ${name} from ${field}.files; the model by itself reads text.`,
  );
}

/** The files of a model, sorted by piece. @throws SourceError FileNotFound when the repository lacks pieces. */
function complete(model: Model, repo: string): SourceFile[] {
  const piece = pieceInName(model[0].path);
  if (piece === undefined) return [...model];
  const byPath = new Map(model.map((file) => [file.path, file]));
  const all = Array.from({ length: piece.of }, (_, i) => piece.sibling(i + 1));
  const missing = all.filter((path) => !byPath.has(path));
  if (missing.length === 0) return all.map((path) => byPath.get(path)!);
  throw new SourceError(
    'FileNotFound',
    `${repo} has ${piece.of - missing.length} of the ${piece.of} pieces of a split model. It lacks ${listed(missing)}. Choose another file, or ask its publisher for the missing ones.`,
  );
}

/** What a server could load by itself; adapters are that only where there is nothing else. */
function modelsAmong(candidates: readonly SourceFile[]): Model[] {
  const files = candidates.filter(({ path }) => isModel(path));
  const models = files.filter(({ path }) => !isAdapter(path));
  return groupModels(models.length > 0 ? models : files);
}

/** The file, or all pieces of the model that it is one of. */
function modelOf(file: SourceFile, candidates: readonly SourceFile[]): Model {
  if (pieceInName(file.path) === undefined) return [file];
  const name = modelName(file.path);
  return [file, ...candidates.filter((other) => other !== file && modelName(other.path) === name)];
}

function groupModels(files: readonly SourceFile[]): Model[] {
  const groups = Map.groupBy(files, ({ path }) => modelName(path));
  return [...groups.values()].map(([first, ...others]) => [first!, ...others]);
}

/** The same for all pieces of a split model, and for nothing else. */
function modelName(path: string): string {
  return pieceInName(path)?.model ?? path;
}

/** What a person can choose from: quantizations, and the names of files that carry none or share it with another. */
function choices(models: readonly Model[]): string[] {
  const byQuantization = Map.groupBy(models, ([{ path }]) => quantizationInName(path));
  return [...byQuantization]
    .flatMap(([name, sharing]) => (name === undefined || sharing.length > 1 ? pathsOf(sharing) : [name]))
    .sort();
}

function pathsOf(models: readonly Model[]): string[] {
  return models.map(([{ path }]) => path);
}

/** Whether a file is a GGUF file. */
export function isGguf(path: string): boolean {
  return /\.gguf$/i.test(path);
}

/** A GGUF file with the weights of a model, not a projector for images or statistics of a quantizer. */
export function isModel(path: string): boolean {
  return isGguf(path) && !isProjector(path) && !/imatrix/i.test(fileName(path));
}

/** A GGUF file that its name calls a projector (llama.cpp, `convert_hf_to_gguf.py --mmproj`). */
export function isProjector(path: string): boolean {
  return isGguf(path) && /mmproj/i.test(fileName(path));
}

/** A GGUF file that its name calls a LoRA adapter. What it is, only its header says. */
function isAdapter(path: string): boolean {
  return isGguf(path) && /(?<![a-z])(q?lora|adapter)s?(?![a-z])/i.test(fileName(path));
}
