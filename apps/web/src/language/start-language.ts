// The chosen language before anything else of a page is loaded.

import { i18n } from "./i18n.ts";
import { chosenLanguage } from "./languages.ts";

/** A catalogue that can't be loaded leaves the page in English. */
export async function startLanguage(): Promise<void> {
  const language = chosenLanguage();
  if (language !== "en") {
    try {
      const { messages } = await import("./zh-CN.po");
      i18n.loadAndActivate({ locale: language, messages });
    } catch (error) {
      console.warn(`${language} could not be loaded: the page is in English.`, error);
    }
  }
  document.documentElement.lang = i18n.locale;
}
