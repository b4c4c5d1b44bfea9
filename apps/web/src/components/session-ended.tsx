// Over a page whose session has ended: what was typed there stays, and goes on once somebody has signed in.

import { Trans } from "@lingui/react/macro";
import { type ReactNode, useId } from "react";
import { SignInForm } from "../pages/sign-in-page.tsx";
import { useSession, useUser } from "../session.tsx";
import { useModal } from "../use-modal.ts";

export function SessionEnded(): ReactNode {
  const element = useModal();
  const id = useId();
  const { forget } = useSession();
  const { userName } = useUser();
  return (
    <dialog
      ref={element}
      className="session-ended"
      aria-labelledby={id}
      // It can't be put away by Escape, which browsers see to themselves the second time.
      onCancel={(event) => event.preventDefault()}
      onClose={({ currentTarget }) => currentTarget.isConnected && currentTarget.showModal()}
    >
      <h2 id={id}>
        <Trans>Sign in again</Trans>
      </h2>
      <p role="status">
        <Trans>Your session has ended. What you have begun here is kept for {userName}.</Trans>
      </p>
      <SignInForm isAgain />
      <p>
        <button type="button" className="button small quiet" onClick={forget}>
          <Trans>Give it up and leave this page</Trans>
        </button>
      </p>
    </dialog>
  );
}
