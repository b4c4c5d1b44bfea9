import { type ReactNode, useState } from "react";
import { shortDigest } from "../words/quantities.ts";
import { Icon } from "./icon.tsx";

/** An image's digest, shortened, with a button that copies all of it. */
export function Digest({ value }: { value: string }): ReactNode {
  const [copied, setCopied] = useState<"yes" | "no" | undefined>();
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(value);
      setCopied("yes");
    } catch {
      // Without https the browser gives no clipboard: the whole digest is shown to be copied by hand.
      setCopied("no");
    }
  };
  return (
    <span className="digest">
      <code title={value}>{copied === "no" ? value : shortDigest(value)}</code>
      {copied !== "no" && (
        <button
          type="button"
          className="icon-button"
          onClick={() => void copy()}
          aria-label={`Copy digest ${shortDigest(value)}…`}
        >
          <Icon name={copied ? "check" : "copy"} />
        </button>
      )}
      <span role="status" className="visually-hidden">
        {copied === "yes" ? "Digest copied" : ""}
      </span>
    </span>
  );
}
