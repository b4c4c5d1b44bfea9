// Deployments of a rollout as its page shows them: as many as somebody wants to see, of one state or of all. Events
// change what is loaded; one that leaves the state that is shown is left out, and what comes into it is loaded when
// somebody looks for more.

import { pageMembersDefault, pageMembersMax } from "@flipside/api/limits";
import type { Deployment, LiveEvent } from "@flipside/api/types";
import { deploymentPage } from "../api/rollouts.ts";
import { Resource } from "./resource.ts";

export interface ListedDeployments {
  /** In the order of the waves. */
  deployments: readonly Deployment[];
  isMore: boolean;
}

export class DeploymentListing {
  readonly resource: Resource<ListedDeployments>;
  readonly #rolloutId: string;
  readonly #state: Deployment["state"] | undefined;
  #wanted = pageMembersDefault;

  /** `state`: undefined: all. */
  constructor(rolloutId: string, state: Deployment["state"] | undefined) {
    this.#rolloutId = rolloutId;
    this.#state = state;
    this.resource = new Resource<ListedDeployments>({
      load: () => this.#load(),
      apply: (listed, events) => this.#apply(listed, events),
      wantsReload: (listed, event) => this.#comesIn(listed, event),
    });
  }

  /** The next page, too. */
  more(): void {
    this.#wanted += pageMembersDefault;
    void this.resource.reload();
  }

  async #load(): Promise<ListedDeployments> {
    const deployments: Deployment[] = [];
    let next: string | null | undefined;
    while (deployments.length < this.#wanted && next !== null) {
      const page = await deploymentPage(this.#rolloutId, {
        limit: String(Math.min(pageMembersMax, this.#wanted - deployments.length)),
        ...(this.#state === undefined ? {} : { state: this.#state }),
        ...(next === undefined ? {} : { after: next }),
      });
      deployments.push(...page.deployments);
      next = page.next;
    }
    return { deployments, isMore: next !== null };
  }

  readonly #isShown = ({ state }: Deployment): boolean => this.#state === undefined || state === this.#state;

  /** One that is not loaded has come into what is shown, where all of that is loaded. */
  #comesIn({ deployments, isMore }: ListedDeployments, event: LiveEvent): boolean {
    if (isMore || event.kind !== "deployment" || event.data.rolloutId !== this.#rolloutId) return false;
    return this.#isShown(event.data) && !deployments.some(({ id }) => id === event.data.id);
  }

  #apply(listed: ListedDeployments, events: readonly LiveEvent[]): ListedDeployments {
    const news = new Map(events.flatMap(({ kind, data }) => (kind === "deployment" ? [[data.id, data] as const] : [])));
    if (!listed.deployments.some(({ id }) => news.has(id))) return listed;
    const deployments = listed.deployments.map((known) => news.get(known.id) ?? known).filter(this.#isShown);
    return { ...listed, deployments };
  }
}
