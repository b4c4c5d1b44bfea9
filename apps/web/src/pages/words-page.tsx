import { t } from "@lingui/core/macro";
import type { ReactNode } from "react";
import { Page } from "../components/page.tsx";
import { i18n } from "../language/i18n.ts";
import { glossary, type GlossaryTerm } from "../words/glossary.ts";
import { termWords } from "../words/term-words.ts";

const inOrder = (Object.keys(glossary) as GlossaryTerm[]).sort((one, other) =>
  termWords[one].localeCompare(termWords[other], i18n.locale),
);

/** All terms of art of the console, for whoever looks for one. */
export const WordsPage = (): ReactNode => (
  <Page
    title={t`Words`}
    summary={t`What the console means by its terms. Where one is underlined with dots, pressing it says the same.`}
  >
    <dl className="panel words">
      {inOrder.map((term) => (
        <div key={term} id={term.replaceAll(" ", "-")}>
          <dt>{termWords[term]}</dt>
          <dd>{glossary[term]}</dd>
        </div>
      ))}
    </dl>
  </Page>
);
