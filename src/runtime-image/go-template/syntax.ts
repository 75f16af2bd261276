/** A template as the parser leaves it. `at` is always an offset into its source. */

export interface Template {
  readonly source: string;
  readonly root: readonly Node[];
  /** By name, what `define` and `block` define. */
  readonly definitions: ReadonlyMap<string, readonly Node[]>;
}

export type Node =
  | { readonly kind: 'text'; readonly at: number; readonly text: string }
  | { readonly kind: 'action'; readonly at: number; readonly pipeline: Pipeline }
  | Branch
  | {
      readonly kind: 'template';
      readonly at: number;
      readonly name: string;
      readonly pipeline?: Pipeline;
    }
  | { readonly kind: 'break' | 'continue'; readonly at: number };

export interface Branch {
  readonly kind: 'if' | 'with' | 'range';
  readonly at: number;
  readonly pipeline: Pipeline;
  readonly body: readonly Node[];
  readonly otherwise: readonly Node[];
}

export interface Pipeline {
  readonly at: number;
  /** Names of variables, with their `$`, that take the value. */
  readonly variables: readonly string[];
  /** Whether these exist already. */
  readonly assigns: boolean;
  /** Each gets the value of the one before as its last argument. */
  readonly commands: readonly Command[];
}

export interface Command {
  readonly at: number;
  readonly first: Operand;
  readonly rest: readonly Operand[];
}

export type Operand =
  | { readonly kind: 'literal'; readonly value: string | bigint | number | boolean }
  | { readonly kind: 'nil' }
  | { readonly kind: 'dot' }
  | { readonly kind: 'field'; readonly at: number; readonly path: readonly string[] }
  | {
      readonly kind: 'variable';
      readonly at: number;
      readonly name: string;
      readonly path: readonly string[];
    }
  | { readonly kind: 'function'; readonly at: number; readonly name: string }
  | { readonly kind: 'pipeline'; readonly pipeline: Pipeline }
  /** Fields of what a function or a pipeline in parentheses gives. */
  | {
      readonly kind: 'chain';
      readonly at: number;
      readonly of: Operand;
      readonly path: readonly string[];
    };
