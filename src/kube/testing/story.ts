import type { Change } from '../informer.ts';
import { formatKey, keyOf } from '../kind.ts';
import type { KubeObject } from '../kind.ts';
import { isOlder } from '../resource-version.ts';

/** What a handler of an informer makes of what it is told, and whether that can be so. */
export class Story<T extends KubeObject> {
  /** What was told against all sense; to be empty. */
  readonly faults: string[] = [];
  readonly #last = new Map<string, { version: string; uid: string; there: boolean }>();
  changes = 0;

  /** What is told of an object goes forward, begins with `added` and ends with `deleted`. */
  readonly hear = (change: Change<T>): void => {
    const { type, object, old } = change;
    const key = formatKey(keyOf(object));
    const { uid, resourceVersion: version } = object.metadata;
    const last = this.#last.get(key);
    this.changes += 1;
    const expect = (so: boolean, what: string): void => {
      if (!so) this.faults.push(`${type} ${key} ${version} after ${JSON.stringify(last)}: ${what}`);
    };
    expect((type === 'added') === !last?.there, 'it begins with added and ends with deleted');
    expect(type === 'added' || uid === last?.uid, 'another object');
    expect(
      old === undefined || old.metadata.resourceVersion === last?.version,
      'old is not what was told before',
    );
    // A deletion that was missed is told with the last version that was seen.
    const missed = type === 'deleted' && version === last?.version;
    expect(!last || missed || isOlder(last.version, version), 'not a later version');
    this.#last.set(key, { version, uid, there: type !== 'deleted' });
  };

  /** `namespace/name version` of what should be there by all that was told. */
  present(): string[] {
    return [...this.#last].flatMap(([key, { version, there }]) => (there ? `${key} ${version}` : [])).sort();
  }
}

/** What `Story.present` is compared with. */
export function versionsOf(objects: readonly KubeObject[]): string[] {
  return objects.map((object) => `${formatKey(keyOf(object))} ${object.metadata?.resourceVersion}`).sort();
}
