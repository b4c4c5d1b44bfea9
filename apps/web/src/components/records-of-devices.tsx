// Which trust records devices have, how they stand to the newest, and who refused one.

import type { TrustRelation, TrustSpread } from "@flipside/api/types";
import type { ReactNode } from "react";
import { devicePath } from "../router.ts";
import { count, plural } from "../words/quantities.ts";
import { CodeExplained } from "./deployment-progress.tsx";
import { Link } from "./link.tsx";
import { ProgressBar } from "./progress-bar.tsx";

type Had = TrustSpread["records"][number];
type Refusal = TrustSpread["refused"]["devices"][number]["trustRefused"];

export const TrustRefusal = ({ refusal }: { refusal: Refusal }): ReactNode => (
  <div className="sub">
    {refusal.version === 0 ? "Refused a record:" : `Refused record ${refusal.version}:`}
    <CodeExplained coded={refusal} withTodo />
  </div>
);

/** What it means, and what one can do. */
const relationWords: Record<TrustRelation, string> = {
  same: "the newest",
  older: "an older one: they take the newest at their next check-in",
  ahead: "newer than this server's, as after a restore from a backup: upload the newer chain here",
  forked:
    "another record of this version than the server's: somebody made two. Find out who signed the other one, then make a new record that revokes that key",
  unknown: "not known yet",
};

const Examples = ({ ids, of }: { ids: readonly string[]; of: number }): ReactNode => (
  <span className="sub">
    {ids.map((id, at) => (
      <span key={id}>
        {at > 0 && ", "}
        <Link href={devicePath(id)}>
          <bdi>{id}</bdi>
        </Link>
      </span>
    ))}
    {of > ids.length && ` and ${count(of - ids.length)} more`}
  </span>
);

const keyOf = ({ version, digest }: Had): string => `${version} ${digest}`;

export function RecordsOfDevices({ newest, spread }: { newest: number; spread: TrustSpread }): ReactNode {
  const { records, isMore, refused } = spread;
  const all = records.reduce((sum, { devices }) => sum + devices, 0);
  const taken = records.filter(({ relation }) => relation === "same").reduce((sum, { devices }) => sum + devices, 0);
  return (
    <section className="panel" aria-labelledby="spread-heading">
      <h2 id="spread-heading">Devices</h2>
      {all === 0 ? (
        <p className="muted">No device has checked in yet.</p>
      ) : (
        <>
          <p>
            {count(taken)} of {plural(all, "device")} {taken === 1 ? "has" : "have"} record {newest}.
          </p>
          <ProgressBar
            label={`Devices with record ${newest}`}
            part={taken / all}
            tone={taken === all ? "ok" : "busy"}
          />
          <dl className="details">
            {records.map((had) => (
              <div key={keyOf(had)}>
                <dt>
                  Record {had.version ?? "?"}, {relationWords[had.relation]}
                </dt>
                <dd>
                  {plural(had.devices, "device")}
                  {had.relation !== "same" && <Examples ids={had.examples} of={had.devices} />}
                </dd>
              </div>
            ))}
          </dl>
          {isMore && <p className="muted">Devices say that they have still other records.</p>}
        </>
      )}
      {refused.devices.length > 0 && (
        <>
          <h3>Refused</h3>
          <ul className="log" role="list">
            {refused.devices.map(({ id, trustRefused }) => (
              <li key={id}>
                <Link href={devicePath(id)}>
                  <bdi>{id}</bdi>
                </Link>
                <TrustRefusal refusal={trustRefused} />
              </li>
            ))}
          </ul>
          {refused.isMore && <p className="muted">These are the first hundred.</p>}
        </>
      )}
    </section>
  );
}
