// For `Trans`, which takes its language from around it.

import { I18nProvider } from "@lingui/react";
import type { ReactNode } from "react";
import { i18n } from "./i18n.ts";

export const InLanguage = ({ children }: { children: ReactNode }): ReactNode => (
  <I18nProvider i18n={i18n}>{children}</I18nProvider>
);
