import { Trans } from "@lingui/react/macro";
import type { ReactNode } from "react";
import { i18n } from "../language/i18n.ts";

const list = new Intl.ListFormat(i18n.locale);

/** What an act does to how many devices, as things stand. */
export function Effects({ parts }: { parts: readonly string[] }): ReactNode {
  const all = list.format(parts);
  const effects = `${all.slice(0, 1).toUpperCase()}${all.slice(1)}`;
  return (
    <p className="effects">
      {parts.length === 0 ? (
        <Trans>
          <strong>As things stand:</strong> no device is touched by it.
        </Trans>
      ) : (
        <Trans>
          <strong>As things stand:</strong> {effects}.
        </Trans>
      )}
    </p>
  );
}
