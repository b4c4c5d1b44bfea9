import { plural, t } from "@lingui/core/macro";
import type { DeviceSummary } from "@flipside/api/types";
import type { ReactNode } from "react";
import { devicesPath } from "../router.ts";
import { count } from "../words/quantities.ts";
import { Link } from "./link.tsx";

interface Share {
  key: string;
  label: string;
  count: number;
  href?: string | undefined;
}

const sharesShown = 6;

/** Versions by how many devices run them; those beyond the first few in one. */
function versionShares({ versions, otherVersions }: DeviceSummary): Share[] {
  const shown = versions.slice(0, sharesShown).map(({ version, count: devices }) => ({
    key: version ?? "",
    label: version ?? t`not known yet`,
    count: devices,
    href: version === null ? undefined : devicesPath(`version = "${version}" and not revoked`),
  }));
  const rest = versions.slice(sharesShown).reduce((sum, each) => sum + each.count, otherVersions);
  return rest === 0 ? shown : [...shown, { key: "rest", label: t`others`, count: rest, href: undefined }];
}

function Shares({ heading, shares }: { heading: string; shares: readonly Share[] }): ReactNode {
  const all = shares.reduce((sum, share) => sum + share.count, 0);
  return (
    <section className="panel" aria-label={heading}>
      <h2>{heading}</h2>
      {all === 0 ? (
        <p className="muted">{t`No device yet.`}</p>
      ) : (
        <ul className="shares" role="list">
          {shares.map(({ key, label, count: devices, href }) => (
            <li key={key}>
              <span className="share-name">
                {href === undefined ? <bdi>{label}</bdi> : <Link href={href}>{<bdi>{label}</bdi>}</Link>}
              </span>
              <span className="share-bar" aria-hidden="true">
                <span style={{ width: `${(100 * devices) / all}%` }} />
              </span>
              <span className="share-count">
                {count(devices)} <span className="muted">{Math.round((100 * devices) / all)} %</span>
              </span>
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}

const healthWords = { healthy: t`healthy`, unhealthy: t`unhealthy`, unknown: t`unknown` } as const;

/** What the fleet runs, and how it says that it is. */
export function FleetShares({ summary }: { summary: DeviceSummary }): ReactNode {
  const { health } = summary;
  const healths = (["healthy", "unhealthy", "unknown"] as const).map((name) => ({
    key: name,
    label: healthWords[name],
    count: health[name],
    href: devicesPath(`health = ${name} and not revoked`),
  }));
  return (
    <div className="two-columns">
      <Shares heading={t`Versions`} shares={versionShares(summary)} />
      <Shares heading={t`Health`} shares={healths.filter((each) => each.count > 0)} />
    </div>
  );
}

export function fleetLine(summary: DeviceSummary): string {
  const { total } = summary;
  if (total === 0) return t`No device has joined yet.`;
  const [online, revoked] = [count(summary.online), count(summary.revoked)];
  return summary.revoked === 0
    ? t`${plural(total, { one: "# device", other: "# devices" })}, ${online} online.`
    : t`${plural(total, { one: "# device", other: "# devices" })}, ${online} online, ${revoked} revoked.`;
}
