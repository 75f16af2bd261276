import { GoTemplateError } from './error.ts';
import type { Token, TokenKind } from './lexer.ts';
import { tokensOf } from './lexer.ts';

/** How deep blocks and parentheses may be inside each other. */
const deepest = 200;

/** The tokens of a template in order, and what the two halves of the parser know together. */
export class TokenStream {
  readonly source: string;
  readonly functions: ReadonlySet<string>;
  /** Variables that can be used here, the innermost last. */
  variables: string[] = ['$'];
  readonly #tokens: readonly Token[];
  #next = 0;
  #depth = 0;

  /** @throws GoTemplateError */
  constructor(source: string, functions: ReadonlySet<string>) {
    this.source = source;
    this.functions = functions;
    this.#tokens = tokensOf(source);
  }

  peek(): Token {
    const token = this.#tokens[Math.min(this.#next, this.#tokens.length - 1)];
    if (!token) throw new Error('a template has one token at least');
    return token;
  }

  /** The next tokens; they stay. */
  ahead(count: number): readonly Token[] {
    return this.#tokens.slice(this.#next, this.#next + count);
  }

  next(): Token {
    const token = this.peek();
    this.#next++;
    return token;
  }

  /** The next token where it is this one; else it stays. */
  take(kind: TokenKind, text?: string): Token | undefined {
    const token = this.peek();
    return token.kind === kind && (text === undefined || token.text === text) ? this.next() : undefined;
  }

  expect(kind: TokenKind, text: string): Token {
    return (
      this.take(kind, text) ?? this.fail(`expected ${text}, found ${this.peek().text || this.peek().kind}`)
    );
  }

  fail(problem: string, at = this.peek().at): never {
    throw new GoTemplateError(this.source, at, problem);
  }

  /** Runs a part of the parser one level deeper. */
  nested<Result>(parse: () => Result): Result {
    if (++this.#depth > deepest) this.fail(`more than ${deepest} levels inside each other`);
    const result = parse();
    this.#depth--;
    return result;
  }
}
