// What devices and people say stays text where it stands in a message, which has marks of its own for its elements.

import { Plural, Trans } from "@lingui/react/macro";
import { renderToStaticMarkup } from "react-dom/server";
import { expect, it } from "vitest";
import { InLanguage } from "../src/language/in-language.tsx";

const shown = (who: string, total = 2): string =>
  renderToStaticMarkup(
    <InLanguage>
      <Trans>
        by <bdi>{who}</bdi> to <Plural value={total} one="# device" other="# devices" />
      </Trans>
    </InLanguage>,
  );

it.each([
  ["<b>eve</b>", "&lt;b&gt;eve&lt;/b&gt;"],
  ["<0/>eve", "&lt;0/&gt;eve"],
  ["</0>eve<0>", "&lt;/0&gt;eve&lt;0&gt;"],
  ["{total} # 'eve'", "{total} # &#x27;eve&#x27;"],
])("shows %s as it was said", (said, asMarkup) => {
  expect(shown(said)).toBe(`by <bdi>${asMarkup}</bdi> to 2 devices`);
  expect(shown(said, 1)).toBe(`by <bdi>${asMarkup}</bdi> to 1 device`);
});
