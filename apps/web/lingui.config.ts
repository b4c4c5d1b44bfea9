// How the console's words are found and kept: written in English where they are used (the macros t, plural and Trans),
// translated in src/language. Read by the macros, by what extracts, and by the catalogues' compiler.

import { defineConfig } from "@lingui/conf";
import { formatter } from "@lingui/format-po";

export default defineConfig({
  sourceLocale: "en",
  // English needs no catalogue: it is in the code.
  locales: ["zh-CN"],
  catalogs: [{ path: "<rootDir>/src/language/{locale}", include: ["<rootDir>/src"] }],
  format: formatter({ lineNumbers: false }),
  orderBy: "message",
  // The macros' words go through this, wherever they stand: it is ready as soon as it is imported.
  runtimeConfigModule: { i18n: ["#i18n", "i18n"], Trans: ["#trans", "Trans"] },
});
