// In which language this browser shows the console. Each stands under its own name: who needs it can read it.

import { t } from "@lingui/core/macro";
import type { ReactNode } from "react";
import { i18n } from "../language/i18n.ts";
import { chooseLanguage, type Language, languages } from "../language/languages.ts";

export const LanguageChoice = (): ReactNode => (
  <label className="language-choice">
    <span>{t`Language`}</span>
    <select value={i18n.locale} onChange={(event) => chooseLanguage(event.target.value as Language)}>
      {Object.entries(languages).map(([language, name]) => (
        <option key={language} value={language} lang={language}>
          {name}
        </option>
      ))}
    </select>
  </label>
);
