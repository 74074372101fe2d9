// Which of several templates speaks the language that was asked for.

/**
 * The first of `choices` whose locale fits `range` best: lookup, RFC 4647 §3.4. Where none fits, one without a locale, or
 * the first.
 */
export function lookUp<T extends { readonly locale: string | undefined }>(
  choices: readonly T[],
  range: string | undefined,
): T | undefined {
  for (let tag = range?.toLowerCase(); tag; tag = shortened(tag)) {
    const found = choices.find(({ locale }) => locale?.toLowerCase() === tag);
    if (found !== undefined) return found;
  }
  return choices.find(({ locale }) => locale === undefined) ?? choices[0];
}

/** Without its last subtag. Where a single letter is then the last, it is no tag, and fits none. */
function shortened(tag: string): string {
  return tag.slice(0, Math.max(0, tag.lastIndexOf("-")));
}
