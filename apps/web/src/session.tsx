// Who is signed in, known to every page.

import { createContext, type ReactNode, useCallback, useContext, useEffect, useMemo, useState } from "react";
import type { ProblemError } from "@flipside/api/problem";
import type { User } from "@flipside/api/types";
import { onSessionRefused } from "./api/http.ts";
import { asProblem } from "./api/problem.ts";
import { currentUser, signOut, signOutEverywhere } from "./api/session.ts";

export type SessionState =
  | { kind: "loading" }
  | { kind: "unknown"; problem: ProblemError }
  /** `expired`: a session ended while the console was in use, so the sign-in page says why it appeared. */
  | { kind: "signed-out"; expired: boolean }
  | { kind: "signed-in"; user: User };

interface Session {
  state: SessionState;
  /** Takes the user that signing in or a changed password answered with. */
  entered(user: User): void;
  leave(): Promise<void>;
  reload(): void;
}

const SessionContext = createContext<Session | undefined>(undefined);

export function useSession(): Session {
  const session = useContext(SessionContext);
  if (!session) throw new Error("useSession outside of SessionProvider");
  return session;
}

export function useUser(): User {
  const { state } = useSession();
  if (state.kind !== "signed-in") throw new Error("useUser while nobody is signed in");
  return state.user;
}

export function SessionProvider({ children }: { children: ReactNode }): ReactNode {
  const [state, setState] = useState<SessionState>({ kind: "loading" });

  const load = useCallback(async () => {
    try {
      setState({ kind: "signed-in", user: await currentUser() });
    } catch (thrown) {
      const problem = asProblem(thrown);
      setState((before) =>
        problem.status === 401
          ? { kind: "signed-out", expired: before.kind === "signed-in" }
          : { kind: "unknown", problem },
      );
    }
  }, []);

  useEffect(() => {
    void load();
    return onSessionRefused((problem) => {
      setState((before) => {
        if (before.kind !== "signed-in") return before;
        if (problem.code === "password-change-required")
          return { kind: "signed-in", user: { ...before.user, mustChangePassword: true } };
        return { kind: "signed-out", expired: true };
      });
    });
  }, [load]);

  const session = useMemo<Session>(
    () => ({
      state,
      entered: (user) => setState({ kind: "signed-in", user }),
      leave: async () => {
        const isOfProvider = state.kind === "signed-in" && state.user.signsInWith === "openid-connect";
        const elsewhere = isOfProvider ? await signOutEverywhere() : await signOut();
        setState({ kind: "signed-out", expired: false });
        if (elsewhere) window.location.assign(elsewhere);
      },
      reload: () => {
        setState({ kind: "loading" });
        void load();
      },
    }),
    [state, load],
  );
  return <SessionContext value={session}>{children}</SessionContext>;
}
