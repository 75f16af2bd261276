/** As an API server writes it: without white space. Within a string the second quote would be escaped. */
const member = '"managedFields":[';

/**
 * JSON of the API server without any `managedFields`. Of an object that is applied it is often the larger part, and in
 * a form that is slow to parse: every owned field is a member with a name of its own. Nobody here reads it. JSON that
 * is broken is left as it is.
 */
export function withoutManagedFields(json: string): string {
  let kept = '';
  let from = 0;
  for (let at = json.indexOf(member); at !== -1; at = json.indexOf(member, from)) {
    const end = endOfList(json, at + member.length);
    if (end === undefined) return json;
    // Of the commas around a member that goes, one goes with it.
    const isLast = json[end] !== ',';
    kept += json.slice(from, isLast && json[at - 1] === ',' ? at - 1 : at);
    from = isLast ? end : end + 1;
  }
  return from === 0 ? json : kept + json.slice(from);
}

const quote = 0x22;
const backslash = 0x5c;

/** The index after the list whose items begin at `at`. */
function endOfList(json: string, at: number): number | undefined {
  for (let i = at, depth = 1; i < json.length; i += 1) {
    switch (json.charCodeAt(i)) {
      case quote:
        i = endOfString(json, i + 1);
        break;
      case 0x5b: // [
      case 0x7b: // {
        depth += 1;
        break;
      case 0x5d: // ]
      case 0x7d: // }
        depth -= 1;
        if (depth === 0) return i + 1;
        break;
      default:
    }
  }
  return undefined;
}

/** The index of the quote that ends the string whose characters begin at `at`. */
function endOfString(json: string, at: number): number {
  for (let i = at; ; i += 1) {
    const code = json.charCodeAt(i);
    // Not a number: beyond the end.
    if (code === quote || Number.isNaN(code)) return i;
    if (code === backslash) i += 1;
  }
}
