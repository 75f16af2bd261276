/**
 * How a format writes what is not plain text in an answer. Markers are written out, special tokens in them too: what a
 * model generates is compared with them as text, blanks aside.
 */
export interface AnswerShape {
  thought?: ThoughtShape;
  /** Absent: the format has no tools, or the request none. */
  call?: CallShape;
  /**
   * Markers around plain text, of formats that announce everything: what stands outside of a part that was announced
   * is not shown.
   */
  announced?: { begins: readonly string[]; ends: readonly string[] };
}

export interface ThoughtShape {
  begin: string;
  end: string;
  /** Whether the prompt ends within a thought already. */
  open: boolean;
}

export interface CallShape {
  /** How a call may begin, up to the name; the first is how the format writes it. */
  begins: readonly string[];
  /** Between name and arguments. */
  afterName: (name: string) => string;
  /** Behind the arguments, without tokens that end the answer. */
  end: (name: string) => string;
  /** Before another call; absent: there is one call to an answer. */
  between?: string;
}
