import { Argument, Command, InvalidArgumentError, Option, type CommanderError } from 'commander';
import { bitsPerWeight, namedSources, searchOrders } from '../api/choices.ts';
import { shells } from './completion/scripts.ts';
import type { Door, DoorOptions } from './door.ts';
import { exitCodes } from './failure.ts';
import { invocation } from './invocation.ts';
import type { SearchOptions } from './commands/search.ts';
import type { VersionOptions } from './commands/version.ts';
import { version } from '../protocols/version.ts';
import type { Terminal } from './terminal.ts';

/** A file that is only read when its verb is used: help is to be there at once. */
type Run<Arguments extends unknown[]> = (door: Door, terminal: Terminal, ...rest: Arguments) => Promise<void>;

const model = new Argument(
  '<model>',
  'llama3.1:8b, Qwen/Qwen3-8B-GGUF:Q4_K_M, hf.co/owner/name, or the name of a Model',
);
const source = () => new Option('--source <source>', 'where the name is from').choices(namedSources);
const output = () =>
  new Option('-o, --output <format>', 'whole objects, or names, for scripts').choices([
    'json',
    'yaml',
    'name',
  ]);
const noWait = () => new Option('--no-wait', 'come back at once; it goes on in the cluster');

const wholeFrom =
  (least: number) =>
  (text: string): number => {
    const count = Number(text);
    if (!Number.isInteger(count) || count < least) {
      throw new InvalidArgumentError(`It has to be a whole number from ${least} on.`);
    }
    return count;
  };
const collect = (value: string, before: string[] = []): string[] => [...before, value];

/**
 * The verbs and what they take. Wrong use throws CommanderError after it was told.
 * @param name what people call it: `longshore`, or `kubectl longshore`
 */
export function program(terminal: Terminal, name = 'longshore'): Command {
  const root = new Command(name)
    .description('Pulls models onto a Kubernetes cluster, and serves them there.')
    .version(version, '-V, --version')
    .option('-n, --namespace <namespace>', 'default: that of the context, or of the gateway')
    .option('--context <context>', 'of the kubeconfig')
    .option('--kubeconfig <file>', 'default: $KUBECONFIG, ~/.kube/config, or the pod that this runs in')
    .addOption(new Option('--server <url>', 'of a gateway, in place of a kubeconfig').env('LONGSHORE_SERVER'))
    .addOption(
      new Option('--api-key <key>', 'of the gateway; without one, of the server that is asked').env(
        'LONGSHORE_API_KEY',
      ),
    )
    .option('--certificate-authority <file>', 'PEM that the certificate of the gateway is signed by')
    .configureHelp({ showGlobalOptions: true })
    .showSuggestionAfterError()
    .showHelpAfterError('(--help says more)')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => terminal.out.write(text),
      writeErr: (text) => terminal.err.write(text),
      getErrHelpWidth: terminal.columns,
      getOutHelpWidth: terminal.columns,
    })
    .addHelpText('after', exits);

  /** Where to go: what is said on the line counts before what the environment says. */
  const place = (): DoorOptions => {
    const { server, ...options } = root.opts<DoorOptions>();
    if (options.context === undefined && options.kubeconfig === undefined) return { server, ...options };
    if (root.getOptionValueSource('server') === 'cli') {
      root.error(
        'error: --server asks a gateway, and --context and --kubeconfig a cluster: give one of them',
      );
    }
    return options;
  };
  const self = (): string => {
    const repeated = root.options.flatMap((option) => {
      const name = option.attributeName();
      const value: unknown = root.getOptionValue(name);
      const isSaid = root.getOptionValueSource(name) === 'cli' && name !== 'apiKey';
      return isSaid && typeof value === 'string' ? [[option.short ?? option.long ?? '', value] as const] : [];
    });
    return invocation(name, repeated);
  };
  const open = async (): Promise<Door> => {
    const where = place();
    return (await import('./open.ts')).openDoor(where, self());
  };
  const inCluster =
    <Arguments extends unknown[]>(load: () => Promise<Run<Arguments>>) =>
    async (...given: unknown[]): Promise<void> => {
      // commander hands over what was given, the options, and the command at last.
      const rest = given.slice(0, -1) as Arguments;
      const [run, opened] = await Promise.all([load(), open()]);
      await using door = opened;
      await run(door, terminal, ...rest);
    };

  root
    .command('pull')
    .description('Pull a model onto a volume, and show how far it is')
    .addArgument(model)
    .addOption(source())
    .option('--name <name>', 'of the Model; default: made from that of the model')
    .option('--revision <revision>', 'branch, tag or commit (Hugging Face)')
    .option('--quantization <name>', 'which file of the repository, e.g. Q4_K_M (Hugging Face)')
    .addOption(
      new Option('--bits <bits>', 'the best-known quantization of so many bits (Hugging Face)').choices(
        bitsPerWeight.map(String),
      ),
    )
    .option('--file <pattern>', 'a file of the repository; may be given again (Hugging Face)', collect)
    .option('--endpoint <url>', 'another hub or registry than the public one')
    .option('--token-secret <name>', 'a Secret with a token for the source')
    .option('--storage-class <name>', 'default: that of the cluster')
    .option('--size <quantity>', 'of the volume, e.g. 20Gi; default: measured')
    .addOption(noWait())
    .addOption(output())
    .action(inCluster(async () => (await import('./commands/pull.ts')).pull));
  root
    .command('list')
    .alias('ls')
    .description('List the Models that are there, or on their way')
    .option('-A, --all-namespaces', 'of every namespace')
    .addOption(output())
    .action(inCluster(async () => (await import('./commands/list.ts')).list));
  root
    .command('show')
    .description('What is known of a Model: facts, memory, source, status, history')
    .addArgument(model)
    .addOption(output())
    .action(inCluster(async () => (await import('./commands/show.ts')).show));
  root
    .command('rm')
    .description('Delete a Model and its files')
    .addArgument(model)
    .option('--force', 'also when servers use it')
    .action(inCluster(async () => (await import('./commands/rm.ts')).rm));
  root
    .command('load')
    .description('Serve a Model; one that is not there is pulled first')
    .addArgument(model)
    .addOption(source())
    .option('--name <name>', 'of the server; default: that of the Model')
    .option('--replicas <count>', 'pods that serve it', wholeFrom(0))
    .option('--gpus <count>', 'of each pod; 0 computes on CPUs', wholeFrom(0))
    .option('--context-size <tokens>', 'of each request; default: what fits', wholeFrom(64))
    .option('--parallel <count>', 'requests that a pod decodes together', wholeFrom(1))
    .addOption(noWait())
    .addOption(output())
    .action(inCluster(async () => (await import('./commands/load.ts')).load));
  root
    .command('unload')
    .description('Stop serving a Model; its files stay')
    .argument('<server>', 'the name of a ModelServer, or its Model')
    .action(inCluster(async () => (await import('./commands/load.ts')).unload));
  root
    .command('ps')
    .description('List the servers, and how far they have loaded')
    .option('-A, --all-namespaces', 'of every namespace')
    .addOption(output())
    .action(inCluster(async () => (await import('./commands/list.ts')).ps));
  root
    .command('search')
    .description('Look for models on a Hugging Face hub; owner/name shows what a repository has')
    .argument('<query>', 'words of a name, or owner/name')
    .addOption(source().default('huggingface'))
    .option('--author <name>', 'only of this user or organisation')
    .option('--license <license>', 'only under this one, as apache-2.0')
    .addOption(new Option('--sort <by>', 'what comes first').choices(searchOrders).default('downloads'))
    .option('--limit <count>', 'how many at most', wholeFrom(1), 20)
    .option('--endpoint <url>', 'another hub than the public one; default: $HF_ENDPOINT')
    .addOption(new Option('-o, --output <format>', 'for scripts').choices(['json']))
    .action(async (query: string, options: SearchOptions) => {
      const where = place();
      await (await import('./commands/search.ts')).search(where, self(), terminal, query, options);
    });
  const asking = (command: Command): Command =>
    command
      .addOption(source())
      .option('--system <prompt>', 'what the model is told first')
      .option('--max-tokens <count>', 'of an answer', wholeFrom(1))
      .option('--gpus <count>', 'of a server that is started for this; 0 computes on CPUs', wholeFrom(0));
  asking(root.command('run').description('Ask a model once; it is pulled and loaded where that is needed'))
    .addArgument(model)
    .argument('[prompt...]', 'what to ask; what is piped in comes after it')
    .action(inCluster(async () => (await import('./commands/run.ts')).run));
  asking(root.command('chat').description('Talk with a model; it is pulled and loaded where that is needed'))
    .addArgument(model)
    .action(inCluster(async () => (await import('./commands/run.ts')).chat));
  root
    .command('version')
    .description('The version of this program, and of the operator or gateway that it gets to')
    .addOption(new Option('-o, --output <format>', 'for scripts').choices(['json']))
    .action(async (options: VersionOptions) =>
      (await import('./commands/version.ts')).version(open, terminal, options),
    );
  root
    .command('completion')
    .description('Print what a shell reads to complete names, verbs and options')
    .addArgument(new Argument('<shell>').choices(shells))
    .action(async (shell: (typeof shells)[number]) =>
      (await import('./commands/completion.ts')).completion(terminal, shell),
    );
  return root;
}

const exits = `
Exit codes: ${exitCodes.success} done, ${exitCodes.failed} it did not come about, ${exitCodes.usage} wrong use, ${exitCodes.notFound} not there, ${exitCodes.cluster} no access to the cluster, ${exitCodes.detached} left by Ctrl-C.
`;

/** What wrong use ends with; help and version are none. */
export function exitCodeOf({ exitCode }: CommanderError): number {
  return exitCode === 0 ? exitCodes.success : exitCodes.usage;
}
