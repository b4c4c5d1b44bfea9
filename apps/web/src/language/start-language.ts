// A language before anything else is loaded: the chosen one in a page, and the page's in its workers.

import { i18n } from "./i18n.ts";
import { chosenLanguage, type Language } from "./languages.ts";

/** A catalogue that can't be loaded leaves everything in English. */
async function load(language: Language): Promise<void> {
  if (language === "en") return;
  try {
    const { messages } = await import("./zh-CN.po");
    i18n.loadAndActivate({ locale: language, messages });
  } catch (error) {
    console.warn(`${language} could not be loaded: the page is in English.`, error);
  }
}

export async function startLanguage(): Promise<void> {
  await load(chosenLanguage());
  document.documentElement.lang = i18n.locale;
}

/** A worker's name is the language of the page that made it (trusted-worker.ts). */
export const startLanguageInWorker = (): Promise<void> => load(self.name as Language);
