import type { Argument, Command, Option } from 'commander';

/** What a word may go on as; the words of a shell take it as it is. */
export interface Candidate {
  value: string;
  /** One line. */
  about: string;
}

export interface Candidates {
  candidates: Candidate[];
  /** Whether the shell is to offer its own, file names, where there are none. */
  isFile: boolean;
}

/** Names of what is there, for arguments that are one; `options` are those of the line so far. Never rejects. */
export type NamesOf = (
  what: 'model' | 'server',
  options: Readonly<Record<string, string>>,
) => Promise<readonly string[]>;

/**
 * What the last of these words may go on as. Verbs, options and their values come from the program itself.
 * @param words behind the name of the program; the last one is being typed, and may be empty
 */
export async function candidatesFor(
  root: Command,
  words: readonly string[],
  namesOf: NamesOf,
): Promise<Candidates> {
  const { command, positional, pending, options, isOver } = read(root, words.slice(0, -1));
  const word = words.at(-1) ?? '';
  if (pending) return valuesOf(pending, word, '');
  if (word.startsWith('-') && !isOver) {
    const [flag = '', value] = word.split(/=(.*)/s);
    const known = optionsOf(root, command);
    const option = known.find(({ long }) => long === flag);
    if (value !== undefined) return option ? valuesOf(option, value, `${flag}=`) : none;
    return listed(
      known.filter(({ hidden, long }) => !hidden && long !== undefined),
      ({ long, description }) => ({ value: long ?? '', about: description }),
      word,
    );
  }
  if (command === root) {
    const verbs = root.createHelp().visibleCommands(root);
    return listed(verbs, (verb) => ({ value: verb.name(), about: verb.description() }), word);
  }
  const argument = argumentAt(command, positional);
  if (!argument) return none;
  if (argument.argChoices) return listed(argument.argChoices, (value) => ({ value, about: '' }), word);
  const what = argument.name();
  if (what !== 'model' && what !== 'server') return none;
  return listed(await namesOf(what, options), (value) => ({ value, about: what }), word);
}

const none: Candidates = { candidates: [], isFile: false };

interface Read {
  command: Command;
  /** Arguments of the command so far. */
  positional: number;
  /** The option whose value comes next. */
  pending: Option | undefined;
  /** By the names that commander gives them. */
  options: Record<string, string>;
  /** Whether options are over, by `--`. */
  isOver: boolean;
}

function read(root: Command, words: readonly string[]): Read {
  const state: Read = { command: root, positional: 0, pending: undefined, options: {}, isOver: false };
  for (const word of words) {
    if (state.pending) {
      state.options[state.pending.attributeName()] = word;
      state.pending = undefined;
    } else if (word === '--' && !state.isOver) state.isOver = true;
    else if (word.startsWith('-') && !state.isOver) readOption(root, state, word);
    else if (state.command === root) {
      state.command =
        root.commands.find((each) => each.name() === word || each.aliases().includes(word)) ?? root;
    } else state.positional += 1;
  }
  return state;
}

function readOption(root: Command, state: Read, word: string): void {
  const [flag = '', value] = word.split(/=(.*)/s);
  const option = optionsOf(root, state.command).find(({ long, short }) => long === flag || short === flag);
  if (!option?.required) return;
  if (value === undefined) state.pending = option;
  else state.options[option.attributeName()] = value;
}

function optionsOf(root: Command, command: Command): Option[] {
  const of = (each: Command) => each.createHelp().visibleOptions(each);
  return command === root
    ? of(root)
    : [...of(command), ...root.options.filter(({ long }) => long !== '--version')];
}

function argumentAt({ registeredArguments: all }: Command, index: number): Argument | undefined {
  const last = all.at(-1);
  return all[index] ?? (last?.variadic ? last : undefined);
}

function valuesOf({ argChoices, flags }: Option, word: string, prefix: string): Candidates {
  if (!argChoices) return { candidates: [], isFile: flags.includes('<file>') };
  return listed(argChoices, (value) => ({ value: `${prefix}${value}`, about: '' }), `${prefix}${word}`);
}

function listed<T>(all: readonly T[], of: (each: T) => Candidate, word: string): Candidates {
  return { candidates: all.map(of).filter(({ value }) => value.startsWith(word)), isFile: false };
}
