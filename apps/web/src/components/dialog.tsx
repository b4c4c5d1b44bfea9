import { type ReactNode, useEffect, useId, useRef, useState } from "react";
import type { ProblemError } from "@flipside/api/problem";
import { asProblem } from "../api/problem.ts";
import { ProblemNotice } from "./problem-notice.tsx";

interface DialogProps {
  title: string;
  onClose: () => void;
  children: ReactNode;
}

/** A modal dialog: the browser keeps the focus inside, closes on Escape and gives the focus back. */
export function Dialog({ title, onClose, children }: DialogProps): ReactNode {
  const element = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    const dialog = element.current!;
    const before = document.activeElement;
    dialog.showModal();
    return () => {
      dialog.close();
      // The element is gone before the browser can give the focus back by itself.
      if (before instanceof HTMLElement && before.isConnected) before.focus();
    };
  }, []);
  return (
    <dialog
      ref={element}
      aria-labelledby={id}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
    >
      <h2 id={id}>{title}</h2>
      {children}
    </dialog>
  );
}

interface ConfirmProps {
  title: string;
  /** What will happen, in full. */
  children: ReactNode;
  /** The verb on the button. */
  confirm: string;
  dangerous?: boolean;
  action: () => Promise<void>;
  onClose: () => void;
}

/** Asks before something that matters. The harmless way out has the focus first. */
export function ConfirmDialog({ title, children, confirm, dangerous, action, onClose }: ConfirmProps): ReactNode {
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<ProblemError>();
  const run = async (): Promise<void> => {
    setBusy(true);
    setProblem(undefined);
    try {
      await action();
      onClose();
    } catch (thrown) {
      setProblem(asProblem(thrown));
      setBusy(false);
    }
  };
  return (
    <Dialog title={title} onClose={onClose}>
      <div className="dialog-body">{children}</div>
      {problem && <ProblemNotice problem={problem} />}
      <div className="actions dialog-actions">
        <button type="button" className="button" onClick={onClose}>
          Go back
        </button>
        <button
          type="button"
          className={`button ${dangerous ? "danger" : "primary"}`}
          aria-disabled={busy}
          onClick={() => !busy && void run()}
        >
          {busy ? "Working…" : confirm}
        </button>
      </div>
    </Dialog>
  );
}
