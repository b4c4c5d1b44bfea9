// How a rollout went over time: how many ended, and the share of failures against the limit of a wave.

import { plural, t } from "@lingui/core/macro";
import type { ReactNode } from "react";
import type { Rollout, RolloutCourse } from "@flipside/api/types";
import { getCourse } from "../api/rollout-course.ts";
import { type CoursePoint, courseOf, sharePercentOf, stepPath } from "../course-plot.ts";
import { useFleet } from "../live/hooks.ts";
import { useParam } from "../router.ts";
import { count, momentWithin } from "../words/quantities.ts";
import { DataTable } from "./data-table.tsx";
import { Disclosure } from "./disclosure.tsx";
import { Field } from "./field.tsx";
import { Loaded } from "./loaded.tsx";

const momentIn = ({ from, until }: RolloutCourse, iso: string): string =>
  momentWithin(Date.parse(until) - Date.parse(from), iso);

const finishedOf = ({ waves }: Pick<Rollout, "waves">): number =>
  waves.reduce((sum, { finished }) => sum + finished, 0);

export function RolloutCourseSection({ rollout }: { rollout: Rollout }): ReactNode {
  const { id } = rollout;
  const fleet = useFleet();
  const course = fleet.asked<RolloutCourse>(`course ${id}`, {
    load: () => getCourse(id),
    apply: (value) => value,
    wantsReload: (value, event) =>
      event.kind === "rollout" &&
      event.data.id === id &&
      value.steps.reduce((sum, { succeeded, failed }) => sum + succeeded + failed, 0) !==
        finishedOf(event.data) - event.data.counts.cancelled,
  });
  return (
    <section className="panel" aria-labelledby="course-heading">
      <h2 id="course-heading">{t`Over time`}</h2>
      <Loaded resource={course} what={t`how it went`}>
        {(value) => <Course course={value} rollout={rollout} />}
      </Loaded>
    </section>
  );
}

const waveText = (number: number): string => t`Wave ${number}`;

function Course({ course, rollout }: { course: RolloutCourse; rollout: Rollout }): ReactNode {
  const [param, setParam] = useParam("wave");
  const begun = rollout.waves.slice(0, rollout.currentWave + 1);
  if (course.steps.length === 0 || begun.length === 0)
    return <p className="muted">{t`No device has come to its end yet.`}</p>;
  const wave = begun.find(({ index }) => String(index + 1) === param)?.index ?? begun.at(-1)!.index;
  const limit = rollout.settings.rules[wave]?.failureThresholdPercent;
  const ofWave = courseOf(course, wave);
  return (
    <>
      <Ended course={course} />
      {begun.length > 1 && (
        <Field label={t`Share of failures in`}>
          {(ids) => (
            <select {...ids} value={wave + 1} onChange={(event) => setParam(event.target.value)}>
              {begun.map(({ index }) => (
                <option key={index} value={index + 1}>
                  {waveText(index + 1)}
                </option>
              ))}
            </select>
          )}
        </Field>
      )}
      <Shares course={course} points={ofWave} wave={wave} limit={limit} />
      <Disclosure label={t`As a table`} held={false}>
        <DataTable
          caption={t`What had ended by when, in all waves`}
          rows={courseOf(course, undefined)}
          rowKey={({ at }) => at}
          columns={[
            { head: t({ message: "By", context: "a moment" }), isName: true, cell: ({ at }) => momentIn(course, at) },
            { head: t`Confirmed`, cell: ({ succeeded }) => count(succeeded) },
            { head: t`Failed`, cell: ({ failed }) => count(failed) },
            { head: t`Share of failures`, cell: (point) => `${sharePercentOf(point).toFixed(1)} %` },
          ]}
        />
      </Disclosure>
    </>
  );
}

const box = { width: 640, height: 120 };
const frame = { left: 44, right: 630, top: 8, bottom: 98 };

interface ChartProps {
  label: string;
  course: RolloutCourse;
  max: number;
  unit: string;
  children: ReactNode;
}

function Chart({ label, course, max, unit, children }: ChartProps): ReactNode {
  const [from, until] = [momentIn(course, course.from), momentIn(course, course.until)];
  return (
    <svg className="course-chart" viewBox={`0 0 ${box.width} ${box.height}`} role="img" aria-label={label}>
      <line className="axis" x1={frame.left} x2={frame.right} y1={frame.bottom} y2={frame.bottom} />
      <text x={frame.left - 6} y={frame.top} textAnchor="end" dominantBaseline="hanging">
        {`${count(Math.round(max))}${unit}`}
      </text>
      <text x={frame.left - 6} y={frame.bottom} textAnchor="end">
        0
      </text>
      <text x={frame.left} y={box.height - 6}>
        {from}
      </text>
      {until !== from && (
        <text x={frame.right} y={box.height - 6} textAnchor="end">
          {until}
        </text>
      )}
      {children}
    </svg>
  );
}

function endedText(course: RolloutCourse, { succeeded, failed: failures, at }: CoursePoint): string {
  const [failed, time] = [count(failures), momentIn(course, at)];
  return t`${plural(succeeded, { one: "# device", other: "# devices" })} confirmed and ${failed} failed by ${time}`;
}

function Ended({ course }: { course: RolloutCourse }): ReactNode {
  const points = courseOf(course, undefined);
  const last = points.at(-1)!;
  const max = Math.max(last.succeeded, last.failed, 1);
  const line = (valueOf: (point: CoursePoint) => number): string => stepPath(points, course, { valueOf, max, frame });
  const [confirmed, failed] = [count(last.succeeded), count(last.failed)];
  return (
    <figure className="course">
      <figcaption>
        <span className="tone-ok course-key">{t`confirmed ${confirmed}`}</span>{" "}
        <span className="tone-bad course-key is-dashed">{t`failed ${failed}`}</span>
      </figcaption>
      <Chart label={endedText(course, last)} course={course} max={max} unit="">
        <path className="course-line tone-ok" d={line(({ succeeded }) => succeeded)} />
        <path className="course-line tone-bad is-dashed" d={line(({ failed }) => failed)} />
      </Chart>
    </figure>
  );
}

function Shares({
  course,
  points,
  wave,
  limit,
}: {
  course: RolloutCourse;
  points: readonly CoursePoint[];
  wave: number;
  limit: number | undefined;
}): ReactNode {
  const last = points.at(-1);
  const number = wave + 1;
  if (last === undefined) return <p className="muted">{t`No device of wave ${number} has come to its end yet.`}</p>;
  const max = Math.min(100, Math.max(5, 1.25 * Math.max(limit ?? 0, ...points.map(sharePercentOf))));
  const percent = sharePercentOf(last).toFixed(1);
  const said =
    limit === undefined
      ? t`${percent} % of wave ${number} failed`
      : t`${percent} % of wave ${number} failed; the limit is ${limit} %`;
  const y = frame.bottom - ((limit ?? 0) / max) * (frame.bottom - frame.top);
  return (
    <figure className="course">
      <figcaption>{t`${said}.`}</figcaption>
      <Chart label={said} course={course} max={max} unit=" %">
        {limit !== undefined && limit <= max && (
          <line className="course-limit" x1={frame.left} x2={frame.right} y1={y} y2={y} />
        )}
        <path className="course-line tone-bad" d={stepPath(points, course, { valueOf: sharePercentOf, max, frame })} />
      </Chart>
    </figure>
  );
}
