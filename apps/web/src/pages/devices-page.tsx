import { type ReactNode, useDeferredValue, useMemo, useState } from "react";
import { matchesQuery } from "@flipside/api/device-search";
import { outcomeOf } from "@flipside/api/rollout-arithmetic";
import type { Device } from "@flipside/api/types";
import { type Column, DataTable } from "../components/data-table.tsx";
import { DeploymentProgress } from "../components/deployment-progress.tsx";
import { Icon } from "../components/icon.tsx";
import { ImportClaimsDialog } from "../components/import-claims-dialog.tsx";
import { Link } from "../components/link.tsx";
import { Loaded } from "../components/loaded.tsx";
import { Page } from "../components/page.tsx";
import { SearchField } from "../components/search-field.tsx";
import { SlotPair } from "../components/slots.tsx";
import { StateBadge } from "../components/state-badge.tsx";
import { TimeAgo } from "../components/time-ago.tsx";
import { useFleet } from "../live/hooks.ts";
import { devicePath } from "../router.ts";
import { count, plural } from "../words/quantities.ts";
import { healthWords, wordsOf } from "../words/state-words.ts";

export function OnlineState({ device }: { device: Device }): ReactNode {
  if (device.revoked)
    return (
      <StateBadge words={{ label: "Revoked", tone: "bad", icon: "ban", means: "The server refuses this device." }} />
    );
  return (
    <span className="online">
      {device.online ? (
        <StateBadge words={{ label: "Online", tone: "ok", icon: "check", means: "A proven session is open." }} />
      ) : (
        <StateBadge words={{ label: "Offline", tone: "idle", icon: "cross", means: "No session is open." }} />
      )}
      {!device.online && (
        <span className="muted small-text">
          {device.lastSeenAt ? (
            <>
              seen <TimeAgo at={device.lastSeenAt} />
            </>
          ) : (
            "never seen"
          )}
        </span>
      )}
    </span>
  );
}

const columns: Column<Device>[] = [
  {
    head: "Device",
    isName: true,
    cell: (device) => (
      <>
        <Link className="row-link" href={devicePath(device.id)}>
          {device.id}
        </Link>
        <span className="sub">
          {device.product ? (
            <>
              <bdi>{device.product}</bdi> · <bdi>{device.hardware}</bdi> rev {device.revision}
            </>
          ) : (
            "waiting for enrolment"
          )}
        </span>
      </>
    ),
  },
  { head: "Connection", cell: (device) => <OnlineState device={device} /> },
  { head: "Slots", bareOnCard: true, className: "col-slots", cell: (device) => <SlotPair device={device} /> },
  { head: "Health", cell: (device) => <StateBadge words={wordsOf(healthWords, device.health)} /> },
  {
    head: "Update",
    className: "col-update",
    cell: (device) =>
      device.activeDeployment && (
        <>
          <DeploymentProgress deployment={device.activeDeployment} />
          <span className="sub">
            to <bdi>{device.activeDeployment.version}</bdi>
          </span>
        </>
      ),
  },
];

export function DevicesPage(): ReactNode {
  const fleet = useFleet();
  const [importing, setImporting] = useState(false);
  return (
    <Page
      title="Devices"
      actions={
        <button type="button" className="button" onClick={() => setImporting(true)}>
          <Icon name="key" /> Import claims
        </button>
      }
    >
      <Loaded resource={fleet.devices} what="the list of devices">
        {(devices) => (devices.size === 0 ? <NoDevices /> : <DeviceList devices={[...devices.values()]} />)}
      </Loaded>
      {importing && <ImportClaimsDialog onClose={() => setImporting(false)} />}
    </Page>
  );
}

const NoDevices = (): ReactNode => (
  <div className="empty">
    <h2>No devices yet</h2>
    <p>
      A device joins with the claim secret that it left the factory with. Import pairs of device id and claim secret,
      then connect the devices: each appears here as soon as it has proven who it is.
    </p>
  </div>
);

function DeviceList({ devices }: { devices: Device[] }): ReactNode {
  const [query, setQuery] = useState("");
  const wanted = useDeferredValue(query);
  const shown = useMemo(
    () =>
      devices
        .filter((device) => matchesQuery(device, wanted))
        .sort((one, two) => one.id.localeCompare(two.id, "en", { numeric: true })),
    [devices, wanted],
  );
  const online = devices.filter((device) => device.online && !device.revoked).length;
  const updating = devices.filter(
    ({ activeDeployment }) => activeDeployment && outcomeOf(activeDeployment.state) === "under-way",
  ).length;
  const unhealthy = devices.filter((device) => device.health === "unhealthy" && !device.revoked).length;
  return (
    <>
      <dl className="figures">
        <Figure label="Devices" value={count(devices.length)} />
        <Figure label="Online" value={count(online)} />
        <Figure label="Updating" value={count(updating)} />
        <Figure label="Unhealthy" value={count(unhealthy)} {...(unhealthy > 0 ? { tone: "bad" } : {})} />
      </dl>
      <div className="toolbar">
        <SearchField label="Search id, product, hardware, version, state" value={query} onChange={setQuery} />
        <p className="muted" role="status">
          {wanted.trim() === "" ? "" : `${plural(shown.length, "device")} found`}
        </p>
      </div>
      {shown.length > 0 ? (
        <DataTable caption="Devices" columns={columns} rows={shown} rowKey={(device) => device.id} />
      ) : (
        <div className="empty">
          <p>No device matches “{wanted}”.</p>
          <button type="button" className="button" onClick={() => setQuery("")}>
            Show all devices
          </button>
        </div>
      )}
    </>
  );
}

const Figure = ({ label, value, tone }: { label: string; value: string; tone?: string }): ReactNode => (
  <div className={`figure ${tone ? `tone-${tone}` : ""}`}>
    <dt>{label}</dt>
    <dd>{value}</dd>
  </div>
);
