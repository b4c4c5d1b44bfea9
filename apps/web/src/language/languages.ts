// The console's languages, and which one this browser shows. Another one takes effect when the page is loaded anew:
// words are made where modules are.

export const languages = { en: "English", "zh-CN": "简体中文" } as const;

export type Language = keyof typeof languages;

const key = "flipside-language";
const isLanguage = (text: string | null): text is Language => text !== null && Object.hasOwn(languages, text);

/** The first of the browser's that there is; Chinese of any region or script is shown as simplified. */
function browsers(): Language {
  for (const tag of navigator.languages) {
    const [primary] = tag.toLowerCase().split("-");
    if (primary === "zh") return "zh-CN";
    if (primary === "en") return "en";
  }
  return "en";
}

export function chosenLanguage(): Language {
  try {
    const kept = localStorage.getItem(key);
    if (isLanguage(kept)) return kept;
  } catch {
    // A browser that keeps nothing.
  }
  return browsers();
}

/** Loads the page anew. A browser that keeps nothing stays with its own language. */
export function chooseLanguage(language: Language): void {
  try {
    localStorage.setItem(key, language);
  } catch {
    return;
  }
  location.reload();
}
