import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { customResourceDefinition, definitions } from './crd.ts';

interface Node {
  [keyword: string]: unknown;
  properties?: Record<string, Node>;
  items?: Node;
  additionalProperties?: Node | false;
}

/** Every node of the schema of a version, with its path. */
function* nodes(node: Node, path = ''): Generator<[string, Node]> {
  yield [path, node];
  for (const [name, property] of Object.entries(node.properties ?? {}))
    yield* nodes(property, `${path}.${name}`);
  if (node.items) yield* nodes(node.items, `${path}[]`);
  if (node.additionalProperties) yield* nodes(node.additionalProperties, `${path}{}`);
}

function schemaOf(kind: string): Node {
  const definition = definitions.find((each) => each.kind === kind);
  const { spec } = customResourceDefinition(definition!) as {
    spec: { versions: { schema: { openAPIV3Schema: Node } }[] };
  };
  return spec.versions[0]!.schema.openAPIV3Schema;
}

const kinds = definitions.map(({ kind }) => kind);

describe.for(kinds)('the schema of a %s', (kind) => {
  const all = [...nodes(schemaOf(kind))];

  it('is structural: every node has a type, and none a keyword that apiextensions does not take', () => {
    const forbidden = [
      '$ref',
      '$schema',
      'oneOf',
      'anyOf',
      'allOf',
      'not',
      'const',
      'propertyNames',
      'id',
      '$defs',
    ];
    const wrong = all.flatMap(([path, node]) => [
      ...forbidden.filter((keyword) => keyword in node).map((keyword) => `${path} has ${keyword}`),
      ...(typeof node['type'] === 'string' ? [] : [`${path} has no type`]),
      ...(node['additionalProperties'] === false ? [`${path} has additionalProperties: false`] : []),
      ...(node.properties && node.additionalProperties ? [`${path} has both kinds of properties`] : []),
      ...(typeof node['exclusiveMinimum'] === 'number' ? [`${path} has a bound of JSON Schema 2020`] : []),
    ]);
    expect(wrong).toEqual([]);
  });

  it('has no default inside a list that is applied as a whole: each apply would write the object again', () => {
    const atomic = all.flatMap(([path, { type, ...node }]) =>
      type === 'array' && !['map', 'set'].includes(String(node['x-kubernetes-list-type'])) ? [path] : [],
    );
    expect(atomic.length).toBeGreaterThan(0);
    const defaults = all.filter(
      ([path, node]) => 'default' in node && atomic.some((list) => path.startsWith(`${list}[]`)),
    );
    expect(defaults.map(([path]) => path)).toEqual([]);
  });

  it('bounds every text and list of the spec, which validation may have to look at', () => {
    const unbounded = all
      .filter(([path]) => path.startsWith('.spec'))
      .filter(
        ([, node]) =>
          (node['type'] === 'string' && !('maxLength' in node) && !('enum' in node)) ||
          (node['type'] === 'array' && !('maxItems' in node)),
      )
      .map(([path]) => path);
    expect(unbounded).toEqual([]);
  });

  it('describes every field, or embeds one that Kubernetes describes', () => {
    // What the types of a cache are says their name.
    const ours = /^\.(spec(\.\w+)+|spec\.source\..*\.\w+|status\.((?!kvBytesPerToken\.).)*\w)$/;
    const bare = all
      .filter(([path, node]) => ours.test(path) && !('description' in node))
      .map(([path]) => path);
    expect(bare).toEqual([]);
  });

  it('merges conditions by their type', () => {
    const conditions = all.find(([path]) => path === '.status.conditions')?.[1];
    expect(conditions).toMatchObject({
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['type'],
    });
  });

  it('shows in columns only what the status and the spec have', () => {
    const paths = new Set(all.map(([path]) => path));
    const columns = definitions.find((each) => each.kind === kind)!.columns;
    const missing = columns
      .map(({ jsonPath }) => jsonPath.replace(/\[\?.*?\]/, '[]'))
      .filter((path) => path !== '.metadata.creationTimestamp' && !paths.has(path));
    expect(missing).toEqual([]);
  });
});

describe('the defaults', () => {
  it('are values that the schema itself accepts, nested ones applied', () => {
    const defaults = kinds.flatMap((kind) =>
      [...nodes(schemaOf(kind))]
        .filter(([, node]) => 'default' in node)
        .map(([path, node]) => [path, node['default']]),
    );
    expect(Object.fromEntries(defaults)).toMatchObject({
      '.spec.source.huggingFace.revision': 'main',
      '.spec.source.huggingFace.endpoint': 'https://huggingface.co',
      '.spec.storage': { accessModes: ['ReadWriteOnce'] },
      '.spec.gpu': { count: 1 },
      '.spec.runtime': { parallel: 1 },
    });
  });
});

describe('the files that are installed', () => {
  it.for(definitions)('crds/$plural.yaml is what the schemas say', async (definition) => {
    const file = join(import.meta.dirname, `../../crds/${definition.plural}.yaml`);
    expect(parse(await readFile(file, 'utf8'))).toEqual(
      JSON.parse(JSON.stringify(customResourceDefinition(definition))),
    );
  });
});
