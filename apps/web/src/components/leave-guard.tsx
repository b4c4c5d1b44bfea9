// Asks before a page is left on which something was typed; the browser itself asks before the tab is closed.

import { t } from "@lingui/core/macro";
import { type ReactNode, useEffect, useState } from "react";
import { guardLeaving } from "../router.ts";
import { Dialog } from "./dialog.tsx";

interface Props {
  /** Something was typed that was not sent. */
  isTouched: boolean;
  /** What becomes of it. */
  children: ReactNode;
  onDiscard: () => void;
}

export function LeaveGuard({ isTouched, children, onDiscard }: Props): ReactNode {
  const [leave, setLeave] = useState<() => void>();
  useEffect(() => {
    if (!isTouched) return undefined;
    const ask = (event: BeforeUnloadEvent): void => event.preventDefault();
    window.addEventListener("beforeunload", ask);
    const letGo = guardLeaving((wanted) => setLeave(() => wanted));
    return () => {
      window.removeEventListener("beforeunload", ask);
      letGo();
    };
  }, [isTouched]);
  if (leave === undefined) return null;
  return (
    <Dialog title={t`Leave this page?`} onClose={() => setLeave(undefined)}>
      {children}
      <div className="actions dialog-actions">
        <button type="button" className="button" onClick={() => setLeave(undefined)}>
          {t`Stay`}
        </button>
        <button
          type="button"
          className="button danger-outline"
          onClick={() => {
            onDiscard();
            leave();
          }}
        >
          {t`Discard and leave`}
        </button>
        <button type="button" className="button primary" onClick={leave}>
          {t`Keep and leave`}
        </button>
      </div>
    </Dialog>
  );
}
