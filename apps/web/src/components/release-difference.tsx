// What differs in a release from another one, which is chosen; the choice is in the address.

import { plural, t } from "@lingui/core/macro";
import { Trans } from "@lingui/react/macro";
import type { ReactNode } from "react";
import type { Release, ReleaseDifference } from "@flipside/api/types";
import { compareReleases } from "../api/release-details.ts";
import { useFleet } from "../live/hooks.ts";
import { useParam } from "../router.ts";
import { bytes, count, duration } from "../words/quantities.ts";
import { headerMemberWords } from "../words/header-words.ts";
import { DataTable } from "./data-table.tsx";
import { Field } from "./field.tsx";
import { Loaded } from "./loaded.tsx";

interface Props {
  release: Release;
  /** Of the same product, without it. */
  others: readonly Release[];
}

/** The newest that has a lower sequence. */
const before = ({ releaseSequence }: Release, others: readonly Release[]): Release | undefined =>
  others
    .filter((other) => other.releaseSequence < releaseSequence)
    .sort((one, two) => two.releaseSequence - one.releaseSequence)[0];

export function ReleaseDifferences({ release, others }: Props): ReactNode {
  const [param, setParam] = useParam("compared");
  const chosen = others.find(({ id }) => id === param) ?? before(release, others) ?? others[0];
  const { product } = release;
  return (
    <section className="panel" aria-labelledby="difference-heading">
      <h2 id="difference-heading">{t`Difference to another release`}</h2>
      {chosen === undefined ? (
        <p className="muted">
          <Trans>
            There is no other release of <bdi>{product}</bdi> here.
          </Trans>
        </p>
      ) : (
        <>
          <Field label={t`Compared with`}>
            {(ids) => (
              <select {...ids} value={chosen.id} onChange={(event) => setParam(event.target.value)}>
                {others.map(({ id, version, releaseSequence }) => (
                  <option key={id} value={id}>
                    {t`${version} (sequence ${releaseSequence})`}
                  </option>
                ))}
              </select>
            )}
          </Field>
          <Differences release={release} other={chosen} />
        </>
      )}
    </section>
  );
}

function Differences({ release, other }: { release: Release; other: Release }): ReactNode {
  const fleet = useFleet();
  const difference = fleet.asked<ReleaseDifference>(`difference ${release.id} ${other.id}`, {
    load: () => compareReleases(release.id, other.id),
    apply: (value) => value,
  });
  return (
    <Loaded resource={difference} what={t`what differs`}>
      {({ images }) =>
        images.map((image) => <OneImage key={image.hardware} image={image} release={release} other={other} />)
      }
    </Loaded>
  );
}

const OneOnly = ({ version }: Pick<Release, "version">): ReactNode => (
  <Trans>
    Only <bdi>{version}</bdi> has an image for it.
  </Trans>
);

function chunksText(chunks: ReleaseDifference["images"][number]["chunks"]): string {
  if (chunks === null) return t`How many chunks differ is not known: a file is missing on the server.`;
  const { other } = chunks;
  if (other === 0) return t`Its payload has no chunk that the other one has not.`;
  const [size, same] = [bytes(chunks.otherBytes), count(chunks.same)];
  return t`${plural(other, { one: "# chunk", other: "# chunks" })} of its payload (${size}) are new, ${same} are as before.`;
}

function OneImage({
  image: { hardware, digests, members, chunks },
  release,
  other,
}: {
  image: ReleaseDifference["images"][number];
  release: Release;
  other: Release;
}): ReactNode {
  const heading = (
    <h3>
      <bdi>{hardware}</bdi>
    </h3>
  );
  if (digests.from === null || digests.to === null)
    return (
      <>
        {heading}
        <p>
          <OneOnly version={(digests.from === null ? release : other).version} />
        </p>
      </>
    );
  if (digests.from === digests.to)
    return (
      <>
        {heading}
        <p>{t`The same image.`}</p>
      </>
    );
  return (
    <>
      {heading}
      <p>{chunksText(chunks)}</p>
      {members.length > 0 && (
        <DataTable
          caption={t`What the header of the image for ${hardware} says otherwise`}
          rows={[...members]}
          rowKey={({ name }) => name}
          columns={[
            { head: t`Field`, isName: true, cell: ({ name }) => headerMemberWords[name] ?? name },
            { head: other.version, cell: ({ name, from }) => <bdi>{shown(name, from)}</bdi> },
            { head: release.version, cell: ({ name, to }) => <bdi>{shown(name, to)}</bdi> },
          ]}
        />
      )}
    </>
  );
}

function shown(name: string, value: string | number | null): string {
  if (value === null) return "–";
  if (typeof value === "string") return value;
  if (name.endsWith("Ms")) return duration(value);
  if (name.endsWith("Bytes")) return bytes(value);
  return name.endsWith("Address") ? `0x${value.toString(16).padStart(8, "0")}` : count(value);
}
