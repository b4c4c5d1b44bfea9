// Glob patterns: `*` stands for any characters, none included, `?` for exactly one (a whole code point). Nothing else
// is special.

/**
 * Whether the whole text is as the pattern says. Greedy with one step back to the last star: at most
 * pattern × text steps, whatever both are, which no regular expression made from a pattern could promise.
 */
export function globMatcher(pattern: string): (text: string) => boolean {
  const wanted = [...pattern];
  return (text) => {
    const given = [...text];
    let at = 0;
    let star = -1;
    let afterStar = 0;
    for (let i = 0; i < given.length; ) {
      if (wanted[at] === "*") {
        star = at++;
        afterStar = i;
      } else if (at < wanted.length && (wanted[at] === "?" || wanted[at] === given[i])) {
        at++;
        i++;
      } else if (star >= 0) {
        // The star takes one more, and what follows it is tried from there.
        at = star + 1;
        i = ++afterStar;
      } else return false;
    }
    while (wanted[at] === "*") at++;
    return at === wanted.length;
  };
}
