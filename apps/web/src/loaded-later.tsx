// Parts of the console whose script is loaded when somebody wants them. They are shown as soon as they have come:
// React's own `lazy` is held back with what was shown meanwhile, for 300 ms (FALLBACK_THROTTLE_MS).

import { t } from "@lingui/core/macro";
import { type ComponentType, type ReactNode, useSyncExternalStore } from "react";

interface Come<Props extends object> {
  loaded?: ComponentType<Props>;
  /** Why it can't be loaded. */
  fault?: unknown;
}

/** It may come between a drawing without it and what React does after that: whoever shows it subscribes. */
class LaterPart<Props extends object> {
  readonly #load: () => Promise<ComponentType<Props>>;
  #isLoading = false;
  #come: Come<Props> = {};
  readonly #listeners = new Set<() => void>();

  constructor(load: () => Promise<ComponentType<Props>>) {
    this.#load = load;
  }

  readonly come = (): Come<Props> => this.#come;

  /** What could not be loaded is asked for once more. */
  readonly begin = (): void => {
    if (this.#isLoading || this.#come.loaded !== undefined) return;
    this.#isLoading = true;
    this.#load()
      .then(
        (loaded) => ({ loaded }),
        (fault: unknown) => ({ fault }),
      )
      .then((come) => {
        this.#isLoading = false;
        // Of what nobody waits for, it is no matter: it is tried anew when somebody does.
        this.#come = "fault" in come && this.#listeners.size === 0 ? {} : come;
        for (const listener of this.#listeners) listener();
      });
  };

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    this.begin();
    return () => {
      this.#listeners.delete(listener);
      // Whoever comes back to it tries anew.
      if (this.#listeners.size === 0 && "fault" in this.#come) this.#come = {};
    };
  };
}

interface LaterProps<Props extends object> {
  part: LaterPart<Props>;
  meanwhile: ReactNode;
  props: Props;
}

function Later<Props extends object>({ part, meanwhile, props }: LaterProps<Props>): ReactNode {
  const come = useSyncExternalStore(part.subscribe, part.come);
  if ("fault" in come) throw come.fault;
  return come.loaded === undefined ? meanwhile : <come.loaded {...props} />;
}

type LoadedLater<Props extends object> = ((props: Props) => ReactNode) & {
  /** Somebody will want it in a moment. */
  preload(): void;
};

/**
 * `meanwhile`: what is shown until it has come. A script that can't be loaded is a fault, for the boundary around it.
 */
export function loadedLater<Props extends object>(
  load: () => Promise<ComponentType<Props>>,
  meanwhile: ReactNode = <p className="loading">{t`Loading…`}</p>,
): LoadedLater<Props> {
  const part = new LaterPart(load);
  return Object.assign((props: Props) => <Later part={part} meanwhile={meanwhile} props={props} />, {
    preload: part.begin,
  });
}
