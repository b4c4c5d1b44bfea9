// Who is signed in, known to every page.

import { createContext, type ReactNode, useCallback, useContext, useEffect, useMemo, useRef, useState } from "react";
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
  /** `hasEnded`: the session is over, and what was begun on the page waits for the next one. */
  | { kind: "signed-in"; user: User; hasEnded: boolean };

interface Session {
  state: SessionState;
  /** Takes the user that signing in or a changed password answered with. */
  entered(user: User): void;
  leave(): Promise<void>;
  /** Lets go of what a session that has ended has left. */
  forget(): void;
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

/** What tabs of one browser, which share the session, tell each other of it. */
type Told = "entered" | "ended" | "left";

/** After the server has said that the session is over. Who has no password of their own has nothing begun. */
const ended = (before: SessionState): SessionState => {
  if (before.kind !== "signed-in") return before;
  return before.user.mustChangePassword ? { kind: "signed-out", expired: true } : { ...before, hasEnded: true };
};

/** Whether another tab that has signed in would be of use to this one. */
const isOut = (state: SessionState): boolean =>
  state.kind === "signed-out" || (state.kind === "signed-in" && state.hasEnded);

async function stateNow(before: SessionState): Promise<SessionState> {
  try {
    return { kind: "signed-in", user: await currentUser(), hasEnded: false };
  } catch (thrown) {
    const problem = asProblem(thrown);
    if (problem.status === 401)
      return before.kind === "signed-in" ? ended(before) : { kind: "signed-out", expired: false };
    return before.kind === "loading" ? { kind: "unknown", problem } : before;
  }
}

export function SessionProvider({ children }: { children: ReactNode }): ReactNode {
  const [state, setState] = useState<SessionState>({ kind: "loading" });
  const now = useRef(state);
  const tabs = useRef<BroadcastChannel>(undefined);
  const become = useCallback((next: SessionState, told?: Told) => {
    now.current = next;
    setState(next);
    if (told !== undefined) tabs.current?.postMessage(told);
  }, []);
  const load = useCallback(async () => {
    const next = await stateNow(now.current);
    become(next);
    return next;
  }, [become]);

  useEffect(() => {
    const channel = new BroadcastChannel("flipside-session-1");
    tabs.current = channel;
    channel.onmessage = ({ data }: MessageEvent<Told>) => {
      const isIn = now.current.kind === "signed-in" && !now.current.hasEnded;
      // Whoever signs out in one tab wants nothing left to be seen in another.
      if (data === "left" && now.current.kind === "signed-in") become({ kind: "signed-out", expired: false });
      if ((data === "ended" && isIn) || (data === "entered" && isOut(now.current))) void load();
    };
    void load().then((next) => next.kind === "signed-in" && channel.postMessage("entered" satisfies Told));
    const stop = onSessionRefused((problem) => {
      const before = now.current;
      if (before.kind !== "signed-in" || before.hasEnded) return;
      if (problem.code === "password-change-required")
        become({ ...before, user: { ...before.user, mustChangePassword: true } });
      else become(ended(before), "ended");
    });
    return () => {
      stop();
      channel.close();
    };
  }, [load, become]);

  const session = useMemo<Session>(
    () => ({
      state,
      entered: (user) => become({ kind: "signed-in", user, hasEnded: false }, "entered"),
      leave: async () => {
        const isOfProvider = state.kind === "signed-in" && state.user.signsInWith === "openid-connect";
        const elsewhere = isOfProvider ? await signOutEverywhere() : await signOut();
        become({ kind: "signed-out", expired: false }, "left");
        if (elsewhere) window.location.assign(elsewhere);
      },
      forget: () => become({ kind: "signed-out", expired: false }),
      reload: () => {
        become({ kind: "loading" });
        void load();
      },
    }),
    [state, load, become],
  );
  return <SessionContext value={session}>{children}</SessionContext>;
}
