// Which trust records devices have, how they stand to the newest, and who refused one.

import { plural, t } from "@lingui/core/macro";
import type { TrustRelation, TrustSpread } from "@flipside/api/types";
import type { ReactNode } from "react";
import { devicePath } from "../router.ts";
import { count } from "../words/quantities.ts";
import { CodeExplained } from "./deployment-progress.tsx";
import { Link } from "./link.tsx";
import { ProgressBar } from "./progress-bar.tsx";

type Had = TrustSpread["records"][number];
type Refusal = TrustSpread["refused"]["devices"][number]["trustRefused"];

export function TrustRefusal({ refusal }: { refusal: Refusal }): ReactNode {
  const { version } = refusal;
  return (
    <div className="sub">
      {version === 0 ? t`Refused a record:` : t`Refused record ${version}:`}
      <CodeExplained coded={refusal} withTodo />
    </div>
  );
}

/** What it means, and what one can do. */
const relationWords: Record<TrustRelation, string> = {
  same: t`the newest`,
  older: t`an older one: they take the newest at their next check-in`,
  ahead: t`newer than this server's, as after a restore from a backup: upload the newer chain here`,
  forked: t`another record of this version than the server's: somebody made two. Find out who signed the other one, then make a new record that revokes that key`,
  unknown: t`not known yet`,
};

function Examples({ ids, of }: { ids: readonly string[]; of: number }): ReactNode {
  const unshown = count(of - ids.length);
  return (
    <span className="sub">
      {ids.map((id, at) => (
        <span key={id}>
          {at > 0 && t`, `}
          <Link href={devicePath(id)}>
            <bdi>{id}</bdi>
          </Link>
        </span>
      ))}
      {of > ids.length && ` ${t`and ${unshown} more`}`}
    </span>
  );
}

const keyOf = ({ version, digest }: Had): string => `${version} ${digest}`;

const devicesText = (devices: number): string => plural(devices, { one: "# device", other: "# devices" });

function headText({ version: known, relation }: Had): string {
  const [version, words] = [known ?? "?", relationWords[relation]];
  return t`Record ${version}, ${words}`;
}

function takenText(taken: number, all: number, newest: number): string {
  return plural(taken, {
    one: `# of ${plural(all, { one: "# device", other: "# devices" })} has record ${newest}.`,
    other: `# of ${plural(all, { one: "# device", other: "# devices" })} have record ${newest}.`,
  });
}

export function RecordsOfDevices({ newest, spread }: { newest: number; spread: TrustSpread }): ReactNode {
  const { records, isMore, refused } = spread;
  const all = records.reduce((sum, { devices }) => sum + devices, 0);
  const taken = records.filter(({ relation }) => relation === "same").reduce((sum, { devices }) => sum + devices, 0);
  return (
    <section className="panel" aria-labelledby="spread-heading">
      <h2 id="spread-heading">{t`Devices`}</h2>
      {all === 0 ? (
        <p className="muted">{t`No device has checked in yet.`}</p>
      ) : (
        <>
          <p>{takenText(taken, all, newest)}</p>
          <ProgressBar
            label={t`Devices with record ${newest}`}
            part={taken / all}
            tone={taken === all ? "ok" : "busy"}
          />
          <dl className="details">
            {records.map((had) => (
              <div key={keyOf(had)}>
                <dt>{headText(had)}</dt>
                <dd>
                  {devicesText(had.devices)}
                  {had.relation !== "same" && <Examples ids={had.examples} of={had.devices} />}
                </dd>
              </div>
            ))}
          </dl>
          {isMore && <p className="muted">{t`Devices say that they have still other records.`}</p>}
        </>
      )}
      {refused.devices.length > 0 && (
        <>
          <h3>{t`Refused`}</h3>
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
          {refused.isMore && <p className="muted">{t`These are the first hundred.`}</p>}
        </>
      )}
    </section>
  );
}
