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

/** Members that are left out narrow nothing. */
export interface DeploymentsAsked {
  state?: Deployment["state"];
  /** Of waves that have begun, or of those that have not. */
  waves?: "begun" | "later";
}

export class DeploymentListing {
  readonly resource: Resource<ListedDeployments>;
  readonly #rolloutId: string;
  readonly #asked: DeploymentsAsked;
  readonly #currentWave: () => number;
  #wanted = pageMembersDefault;

  /** `currentWave`: the index of the last wave that has begun. */
  constructor(rolloutId: string, asked: DeploymentsAsked, currentWave: () => number) {
    this.#rolloutId = rolloutId;
    this.#asked = asked;
    this.#currentWave = currentWave;
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
        ...this.#asked,
        ...(next === undefined ? {} : { after: next }),
      });
      deployments.push(...page.deployments);
      next = page.next;
    }
    return { deployments, isMore: next !== null };
  }

  readonly #isShown = ({ state, wave }: Deployment): boolean => {
    const { state: wanted = state, waves } = this.#asked;
    return state === wanted && (waves === undefined || (waves === "later") === wave > this.#currentWave());
  };

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
