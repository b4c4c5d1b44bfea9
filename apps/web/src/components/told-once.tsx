import { t } from "@lingui/core/macro";
import { Trans } from "@lingui/react/macro";
import type { ReactNode } from "react";
import { useCopy } from "../use-copy.ts";
import { Icon } from "./icon.tsx";

interface Props {
  /** What it is, and what becomes of it. */
  children: ReactNode;
  /** The secret itself. */
  text: string;
  onKept: () => void;
}

/** A secret that the server tells once: it stays on the page until somebody says that it is kept. */
export function ToldOnce({ children, text, onKept }: Props): ReactNode {
  const { copied, copy } = useCopy(text);
  return (
    <div className="notice tone-warn" role="status">
      <Icon name="alert" />
      <div className="notice-body">
        <p className="notice-title">
          <Trans>Told once: keep it now</Trans>
        </p>
        <p>{children}</p>
        <p>
          <code className="told-once">{text}</code>
        </p>
        {copied === "no" && (
          <p>
            <Trans>The browser copies nothing without https: select it, and copy it by hand.</Trans>
          </p>
        )}
        <p className="actions">
          <button type="button" className="button small" onClick={() => void copy()}>
            <Icon name={copied === "yes" ? "check" : "copy"} /> {copied === "yes" ? t`Copied` : t`Copy`}
          </button>
          <button type="button" className="button small" onClick={onKept}>
            <Trans>I have kept it</Trans>
          </button>
        </p>
      </div>
    </div>
  );
}
