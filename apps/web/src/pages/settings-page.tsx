import { t } from "@lingui/core/macro";
import { Trans } from "@lingui/react/macro";
import type { ServerSettings } from "@flipside/api/types";
import { type ReactNode, useEffect, useState } from "react";
import { readServerSettings } from "../api/server-settings.ts";
import { AccessNav } from "../components/access-nav.tsx";
import { type Column, DataTable } from "../components/data-table.tsx";
import { LanguageChoice } from "../components/language-choice.tsx";
import { Loaded } from "../components/loaded.tsx";
import { Page } from "../components/page.tsx";
import { TimeAt } from "../components/time-ago.tsx";
import { Resource } from "../live/resource.ts";
import { showTimesIn, useShownZone } from "../shown-zone.ts";
import { ownTimeZone } from "../words/quantities.ts";
import { settingGroups, type SettingRow } from "../words/setting-rows.ts";

const columns: Column<SettingRow>[] = [
  { head: t`Setting`, isName: true, cell: ({ name }) => <span className="row-name">{name}</span> },
  { head: t`Is`, cell: ({ value }) => <bdi>{value}</bdi> },
  { head: t`Set by`, cell: ({ option }) => (option === undefined ? null : <code>{option}</code>) },
];

function ThisBrowser(): ReactNode {
  const zone = useShownZone();
  return (
    <section className="panel settings-of-browser" aria-labelledby="browser-heading">
      <h2 id="browser-heading">{t`This browser`}</h2>
      <LanguageChoice />
      <label>
        <span>{t`Times`}</span>
        <select value={zone} onChange={(event) => showTimesIn(event.target.value === "utc" ? "utc" : "local")}>
          <option value="local">{t`Local (${ownTimeZone()})`}</option>
          <option value="utc">UTC</option>
        </select>
      </label>
      <p className="muted">{t`Both are kept in this browser, for whoever uses it. Colours are those of your system.`}</p>
    </section>
  );
}

const ThisServer = ({ settings }: { settings: ServerSettings }): ReactNode => (
  <>
    <p className="muted">
      <Trans>
        Version {settings.version}, started <TimeAt at={settings.startedAt} />.
      </Trans>{" "}
      {settings.member !== null && (
        <Trans>
          It is one of several servers, <bdi>{settings.member}</bdi> by name.
        </Trans>
      )}{" "}
      {t`What is below is set when it is started. Who runs it changes it by starting it with other options.`}
    </p>
    {settingGroups(settings).map(({ title, rows }) => (
      <section key={title} className="panel" aria-label={title}>
        <h2>{title}</h2>
        <DataTable caption={title} columns={columns} rows={rows} rowKey={({ name }) => name} />
      </section>
    ))}
  </>
);

export function SettingsPage(): ReactNode {
  const [settings] = useState(
    () => new Resource<ServerSettings>({ load: readServerSettings, apply: (value) => value }),
  );
  useEffect(() => void settings.reload(), [settings]);
  return (
    <Page
      title={t`Settings`}
      summary={t`How this browser shows the console, and with what options the server was started.`}
    >
      <AccessNav current="/settings" />
      <ThisBrowser />
      <Loaded resource={settings} what={t`the server’s settings`}>
        {(value) => <ThisServer settings={value} />}
      </Loaded>
    </Page>
  );
}
