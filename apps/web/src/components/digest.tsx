import { t } from "@lingui/core/macro";
import type { ReactNode } from "react";
import { useCopy } from "../use-copy.ts";
import { shortDigest } from "../words/quantities.ts";
import { Icon } from "./icon.tsx";

/** An image's digest, shortened, with a button that copies all of it. */
export function Digest({ value }: { value: string }): ReactNode {
  const { copied, copy } = useCopy(value);
  return (
    <span className="digest">
      <code title={value}>{copied === "no" ? value : shortDigest(value)}</code>
      {copied !== "no" && (
        <button
          type="button"
          className="icon-button"
          onClick={() => void copy()}
          aria-label={t`Copy digest ${{ start: shortDigest(value) }}…`}
        >
          <Icon name={copied ? "check" : "copy"} />
        </button>
      )}
      <span role="status" className="visually-hidden">
        {copied === "yes" ? t`Digest copied` : ""}
      </span>
    </span>
  );
}
