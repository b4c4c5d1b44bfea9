// Parts of the console whose script is loaded when somebody wants them. They are shown as soon as they have come:
// React's own `lazy` is held back with what was shown meanwhile, for 300 ms (FALLBACK_THROTTLE_MS).

import { t } from "@lingui/core/macro";
import { type ComponentType, type ReactNode, useEffect, useState } from "react";

class LaterPart<Props extends object> {
  readonly #load: () => Promise<ComponentType<Props>>;
  #loading: Promise<void> | undefined;
  loaded: ComponentType<Props> | undefined;

  constructor(load: () => Promise<ComponentType<Props>>) {
    this.#load = load;
  }

  /** Rejects when it can't be loaded; then it is asked for once more when it is wanted again. */
  begin(): Promise<void> {
    this.#loading ??= this.#load().then(
      (loaded) => {
        this.loaded = loaded;
      },
      (fault: unknown) => {
        this.#loading = undefined;
        throw fault;
      },
    );
    return this.#loading;
  }
}

interface LaterProps<Props extends object> {
  part: LaterPart<Props>;
  meanwhile: ReactNode;
  props: Props;
}

function Later<Props extends object>({ part, meanwhile, props }: LaterProps<Props>): ReactNode {
  const [ended, setEnded] = useState<{ fault?: unknown }>({});
  useEffect(() => {
    if (part.loaded !== undefined) return;
    part.begin().then(
      () => setEnded({}),
      (fault: unknown) => setEnded({ fault }),
    );
  }, [part]);
  if ("fault" in ended) throw ended.fault;
  const Loaded = part.loaded;
  return Loaded === undefined ? meanwhile : <Loaded {...props} />;
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
    preload: () =>
      void part.begin().catch(() => {
        // Whoever shows it says so.
      }),
  });
}
