// One process of a campaign: opens the stories once, then does the jobs that it is sent.

import type { Campaign } from "../stories/catalogue.ts";
import { type Job, runJob } from "./jobs.ts";
import { openSubject } from "./open-subject.ts";
import type { Subject } from "./subject.ts";

export type ToWorker = { kind: "open"; subject: Subject } | { kind: "job"; job: Job };

type Geometry = "small" | "device";

const PROGRESS_MS = 200;
let subject: Subject | undefined;
const campaigns = new Map<Geometry, Campaign>();

const send = (message: object): void => void process.send!(message);

process.on("message", (message: ToWorker) => {
  void (async () => {
    try {
      if (message.kind === "open") {
        subject = message.subject;
        return send({ kind: "open" });
      }
      let toldAt = performance.now();
      const geometry = message.job.kind === "deep" ? "device" : "small";
      let campaign = campaigns.get(geometry);
      if (!campaign) campaigns.set(geometry, (campaign = await openSubject(subject!, geometry)));
      const result = runJob(campaign, message.job, (progress) => {
        if (performance.now() - toldAt < PROGRESS_MS) return;
        toldAt = performance.now();
        send({ kind: "progress", ...progress });
      });
      send({ kind: "done", result });
    } catch (error) {
      send({ kind: "failed", message: (error as Error).stack ?? String(error) });
    }
  })();
});
process.on("disconnect", () => process.exit(0));
