import { t } from "@lingui/core/macro";
import { Trans } from "@lingui/react/macro";
import { type ReactNode, useState } from "react";
import type { Deployment, DeviceDetail } from "@flipside/api/types";
import { useFleet } from "../live/hooks.ts";
import { type MetricRange, rangeMsOf } from "../metric-plot.ts";
import { metricText } from "../words/metric-words.ts";
import { nearMoment } from "../words/quantities.ts";
import { deploymentWords, wordsOf } from "../words/state-words.ts";
import { Loaded } from "./loaded.tsx";
import { type ChartMark, MetricChart } from "./metric-chart.tsx";
import { RangeChips } from "./range-chips.tsx";
import { useReloading } from "../use-reloading.ts";
import { TimeAt } from "./time-ago.tsx";

/** Values come every ten seconds or so, and no event tells of each. */
const reloadEveryMs = 30_000;

const ranges = Object.keys(rangeMsOf) as MetricRange[];

/** When its updates ended, however they did. */
const markOf = ({ state, version, finishedAt }: Deployment): ChartMark[] => {
  if (finishedAt === null || state === "cancelled") return [];
  const { tone, label } = wordsOf(deploymentWords, state);
  const [ended, at] = [label.toLowerCase(), nearMoment(finishedAt)];
  return [{ at: finishedAt, tone, text: t`${version}: ${ended}, ${at}` }];
};

/** What the device's app has reported, as charts with the updates in them. */
export function DeviceMetrics({ device }: { device: DeviceDetail }): ReactNode {
  const [range, setRange] = useState<MetricRange>("day");
  const resource = useFleet().metrics(device.id, range);
  useReloading(resource, reloadEveryMs);
  const marks = device.deployments.flatMap(markOf);
  return (
    <section className="panel" aria-labelledby="metrics-heading">
      <div className="panel-head">
        <h2 id="metrics-heading">
          <Trans>Metrics</Trans>
        </h2>
        <RangeChips label={t`Show metrics of the last`} ranges={ranges} chosen={range} onChoose={setRange} />
      </div>
      <Loaded resource={resource} what={t`its metrics`}>
        {(metrics) =>
          metrics.length === 0 ? (
            <p className="muted">
              <Trans>The app of this device has reported no metrics.</Trans>
            </p>
          ) : (
            <div className="metric-charts">
              {metrics.map(({ name, value, at, history }) => (
                <figure key={name}>
                  <figcaption>
                    <bdi>{name}</bdi> <strong>{metricText(name, value)}</strong> <TimeAt at={at} />
                  </figcaption>
                  <MetricChart history={history} range={range} marks={marks} />
                </figure>
              ))}
            </div>
          )
        }
      </Loaded>
    </section>
  );
}
