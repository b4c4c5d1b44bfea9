// Which of the tabs of one browser leads. By Web Locks: who holds the lock leads, and the browser takes it from a tab
// that is closed or has crashed. Pages without TLS have no Web Locks: there by a lease in what the tabs store together.

export interface Candidate {
  /** Leads in place of a tab that holds on to it and does nothing. */
  takeOver(): void;
  /** Leads no more, since another tab does. */
  giveWay(): void;
  /** Leads no more, and never again. */
  leave(): void;
}

/** `begin` is called whenever this tab leads; what it returns, once it does no more. */
export type Begin = () => () => void;

export const standAs = (name: string, begin: Begin): Candidate =>
  // Not what the type says of pages without TLS.
  (navigator.locks as LockManager | undefined) === undefined
    ? standByLease(name, begin, window.localStorage)
    : standByLock(name, begin, navigator.locks);

const askAgainMs = 5_000;

export function standByLock(name: string, begin: Begin, locks: Pick<LockManager, "request">): Candidate {
  let hasLeft = false;
  let queued = new AbortController();
  let release: (() => void) | undefined;

  const lead = async (): Promise<void> => {
    if (hasLeft) return;
    const end = begin();
    await new Promise<void>((resolve) => {
      release = () => {
        release = undefined;
        end();
        resolve();
      };
    });
  };
  function stand(options: LockOptions): void {
    // It rejects when another tab has taken the lock; and, where nobody led, when the browser gives none just now.
    const standAgain = (): void => {
      const hasLed = release !== undefined;
      release?.();
      if (hasLeft || options.signal?.aborted) return;
      if (hasLed) waitInLine();
      else setTimeout(() => !hasLeft && waitInLine(), askAgainMs);
    };
    locks.request(name, options, lead).then(() => !hasLeft && waitInLine(), standAgain);
  }
  function waitInLine(): void {
    queued = new AbortController();
    stand({ signal: queued.signal });
  }

  waitInLine();
  return {
    takeOver() {
      if (hasLeft || release !== undefined) return;
      queued.abort();
      stand({ steal: true });
    },
    giveWay: () => release?.(),
    leave() {
      hasLeft = true;
      queued.abort();
      release?.();
    },
  };
}

interface Lease {
  holder: string;
  /** Of the wall clock, in milliseconds. */
  until: number;
}

const leaseMs = 20_000;
const renewMs = 4_000;

/** Two may lead for a moment, where both found none: what is told twice changes nothing, and soon one gives way. */
export function standByLease(
  name: string,
  begin: Begin,
  store: Pick<Storage, "getItem" | "setItem" | "removeItem">,
): Candidate {
  const self = String(crypto.getRandomValues(new Uint32Array(2)));
  let end: (() => void) | undefined;

  function held(): Lease | undefined {
    try {
      return (JSON.parse(store.getItem(name) ?? "null") as Lease | null) ?? undefined;
    } catch {
      return undefined;
    }
  }
  function take(): void {
    store.setItem(name, JSON.stringify({ holder: self, until: Date.now() + leaseMs } satisfies Lease));
    end ??= begin();
  }
  function giveWay(): void {
    end?.();
    end = undefined;
  }
  function look(): void {
    const lease = held();
    // A clock that was set back makes no lease longer.
    const isFree = lease === undefined || lease.until < Date.now() || lease.until > Date.now() + leaseMs;
    if (isFree || lease.holder === self) take();
    else giveWay();
  }
  function giveUp(): void {
    if (held()?.holder === self) store.removeItem(name);
    giveWay();
  }

  const timer = setInterval(look, renewMs);
  window.addEventListener("pagehide", giveUp);
  look();
  return {
    takeOver: take,
    giveWay,
    leave() {
      clearInterval(timer);
      window.removeEventListener("pagehide", giveUp);
      giveUp();
    },
  };
}
