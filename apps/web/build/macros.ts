// What makes messages of the console's words (lingui.config.ts) in a build and in tests. Messages stay in the code, so
// that English needs no catalogue.

import { fileURLToPath } from "node:url";
import { makeConfig } from "@lingui/conf";
import macro from "@lingui/babel-plugin-lingui-macro";
import { lingui } from "@lingui/vite-plugin";
import react from "@vitejs/plugin-react";
import type { PluginOption } from "vite";
import config from "../lingui.config.ts";

export const reactWithMessages = (): PluginOption =>
  react({
    include: /apps\/web\/.*\.tsx?$/,
    babel: { plugins: [[macro, { stripMessageField: false, linguiConfig: makeConfig(config) }]] },
  });

/** The same, and the catalogues: for pages, and for workers, which vite builds with plugins of their own. */
export const inLanguages = (): PluginOption[] => [
  reactWithMessages(),
  lingui({ configPath: fileURLToPath(new URL("../lingui.config.ts", import.meta.url)) }),
];
