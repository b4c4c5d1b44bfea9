// What the console's first script waits for before it draws anything (main.tsx) is named by index.html, so that a
// browser asks for all of it at once, and whoever reads that page sees what is loaded before a page is opened. A
// language's catalogue is no part of it: English has none.

import type { Plugin, Rollup } from "vite";

type Bundle = Record<string, Rollup.OutputAsset | Rollup.OutputChunk>;

/** With all that it imports. */
function withImports(bundle: Bundle, names: readonly string[]): Set<string> {
  const open = [...names];
  const found = new Set<string>();
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    const chunk = bundle[name];
    if (found.has(name) || chunk?.type !== "chunk") continue;
    found.add(name);
    open.push(...chunk.imports);
  }
  return found;
}

export const preloadShell = (): Plugin => ({
  name: "preload-shell",
  transformIndexHtml: {
    order: "post",
    handler(html, { bundle }) {
      if (bundle === undefined) return undefined;
      const entries = Object.values(bundle).filter(
        (each) => each.type === "chunk" && each.isEntry,
      ) as Rollup.OutputChunk[];
      const awaited = entries
        .flatMap(({ dynamicImports }) => dynamicImports)
        .filter((name) => !(bundle[name] as Rollup.OutputChunk).facadeModuleId?.endsWith(".po"));
      const names = withImports(bundle, [...entries.map(({ fileName }) => fileName), ...awaited]);
      return [...names]
        .filter((name) => !html.includes(name))
        .map((name) => ({
          tag: "link",
          attrs: { rel: "modulepreload", crossorigin: true, href: `/${name}` },
          injectTo: "head",
        }));
    },
  },
});
