import { t } from "@lingui/core/macro";
import { Trans } from "@lingui/react/macro";
import { type FormEvent, type ReactNode, useId, useState } from "react";
import type { ProblemError } from "@flipside/api/problem";
import { asProblem } from "../api/problem.ts";
import { useModal } from "../use-modal.ts";
import { ProblemNotice } from "./problem-notice.tsx";

interface DialogProps {
  title: string;
  onClose: () => void;
  children: ReactNode;
}

/** A modal dialog: the browser keeps the focus inside, closes on Escape and gives the focus back. */
export function Dialog({ title, onClose, children }: DialogProps): ReactNode {
  const element = useModal();
  const id = useId();
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

interface ActingProps {
  /** The verb on the button. */
  confirm: string;
  dangerous?: boolean | undefined;
  action: () => Promise<void>;
  onClose: () => void;
}

/** What a dialog's action is at: closes the dialog when it has succeeded, and keeps what went wrong. */
function useAction({ action, onClose }: Pick<ActingProps, "action" | "onClose">) {
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<ProblemError>();
  const run = async (): Promise<void> => {
    if (busy) return;
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
  return { busy, problem, run };
}

/** The harmless way out comes first, and so has the focus first. */
function DialogActions({
  confirm,
  dangerous,
  busy,
  onClose,
  onConfirm,
}: Omit<ActingProps, "action"> & { busy: boolean; onConfirm?: (() => void) | undefined }): ReactNode {
  return (
    <div className="actions dialog-actions">
      <button type="button" className="button" onClick={onClose}>
        <Trans>Go back</Trans>
      </button>
      <button
        type={onConfirm ? "button" : "submit"}
        className={`button ${dangerous ? "danger" : "primary"}`}
        aria-disabled={busy}
        {...(onConfirm ? { onClick: onConfirm } : {})}
      >
        {busy ? t`Working…` : confirm}
      </button>
    </div>
  );
}

interface FormProps extends ActingProps {
  title: string;
  /** Before what went wrong. */
  lead: string;
  /** Something typed can't be used: it is said beside the field once it was tried, and nothing is done. */
  isWrong: boolean;
  about: ReactNode;
  fields: (tried: boolean) => ReactNode;
}

/** Asks for what an action needs. */
export function FormDialog({ title, lead, isWrong, about, fields, ...acting }: FormProps): ReactNode {
  const [tried, setTried] = useState(false);
  const { busy, problem, run } = useAction(acting);
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    setTried(true);
    if (!isWrong) void run();
  };
  return (
    <Dialog title={title} onClose={acting.onClose}>
      <form noValidate onSubmit={submit}>
        {about}
        {problem && <ProblemNotice problem={problem} lead={lead} />}
        {fields(tried)}
        <DialogActions {...acting} busy={busy} />
      </form>
    </Dialog>
  );
}

interface ConfirmProps extends ActingProps {
  title: string;
  /** What will happen, in full. */
  children: ReactNode;
}

/** Asks before something that matters. */
export function ConfirmDialog({ title, children, ...acting }: ConfirmProps): ReactNode {
  const { busy, problem, run } = useAction(acting);
  return (
    <Dialog title={title} onClose={acting.onClose}>
      <div className="dialog-body">{children}</div>
      {problem && <ProblemNotice problem={problem} />}
      <DialogActions {...acting} busy={busy} onConfirm={() => void run()} />
    </Dialog>
  );
}
