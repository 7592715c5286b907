/**
 * The code on a page, as it stands in the sources: what is between `<!-- code: FILE NAME NAME -->` and `<!-- end -->`. FILE counts from the
 * root; NAME is a function, or a constant that is one, at the left margin of it. Imports are left out, and so is a comment above the
 * declaration, unless it is of one line: then it says what the function computes, as a caption would.
 */

/** withExcerpts: a page's text with its code as it is now. `read` gives a file's text. Errors: what is wrong, with the page's name. */
export function withExcerpts(page: string, text: string, read: (file: string) => string): string {
  return text.replace(/<!-- code:(.*)-->\n([\s\S]*?)<!-- end -->/g, (_, marker: string, old: string) => {
    const [file, ...names] = marker.trim().split(/\s+/);
    const wrong = (what: string): Error => new Error(`${page}, <!-- code:${marker}-->: ${what}`);
    if (names.length === 0 || !names.every((name) => /^\w+$/.test(name))) throw wrong('expected a file and the names of functions');
    if (old.includes('<!-- ')) throw wrong('its <!-- end --> is missing');
    let source: string;
    try { source = read(file); } catch (error) { throw wrong(`cannot read ${file}: ${(error as Error).message}`); }
    const code = names.map((name) => {
      const found = excerpts(source, name);
      if (found.length !== 1) throw wrong(`${file} has ${found.length === 0 ? 'no' : 'more than one'} function '${name}' at its left margin`);
      return found[0];
    });
    return `<!-- code:${marker}-->\n\`\`\`ts\n${code.join('\n\n')}\n\`\`\`\n<!-- end -->`;
  });
}

/** excerpts: every declaration of `name`, from its first line to the line that closes it. */
function excerpts(source: string, name: string): string[] {
  const lines = source.split('\n'), found: string[] = [];
  for (const [from, line] of lines.entries()) {
    if (!new RegExp(`^(?:export )?(?:(?:async )?function ${name}[(<]|const ${name}\\b.*=)`).test(line)) continue;
    let to = from;
    // a declaration of one line ends in its own line; any other at the first line that begins with a brace
    if (!/(?:;|\}|\} *\/\/.*)$/.test(line)) do to++; while (to < lines.length && !lines[to].startsWith('}'));
    found.push(lines.slice(/^\/\*\*.*\*\/$/.test(lines[from - 1] ?? '') ? from - 1 : from, to + 1).join('\n'));
  }
  return found;
}
