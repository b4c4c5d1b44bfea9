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
        <p className="notice-title">Told once: keep it now</p>
        <p>{children}</p>
        <p>
          <code className="told-once">{text}</code>
        </p>
        {copied === "no" && <p>The browser copies nothing without https: select it, and copy it by hand.</p>}
        <p className="actions">
          <button type="button" className="button small" onClick={() => void copy()}>
            <Icon name={copied === "yes" ? "check" : "copy"} /> {copied === "yes" ? "Copied" : "Copy"}
          </button>
          <button type="button" className="button small" onClick={onKept}>
            I have kept it
          </button>
        </p>
      </div>
    </div>
  );
}
