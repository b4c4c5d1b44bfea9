import { plural, t } from "@lingui/core/macro";
import { Trans } from "@lingui/react/macro";
import type { AttentionItem } from "@flipside/api/types";
import type { ReactNode } from "react";
import { useReloading } from "../use-reloading.ts";
import type { Resource } from "../live/resource.ts";
import { attentionWords, waysFrom } from "../words/attention-words.ts";
import { Icon } from "./icon.tsx";
import { Link } from "./link.tsx";
import { Loaded } from "./loaded.tsx";
import { TimeAgo, TimeToCome } from "./time-ago.tsx";

/** How often it is asked anew while somebody looks: what comes by itself, such as silence, no event tells of. */
const lookEveryMs = 15_000;

function Item({ item }: { item: AttentionItem }): ReactNode {
  const { label, tone, icon } = attentionWords[item.kind];
  const { sentence, since, until, actions } = item.why;
  // The server's words, in English.
  const ways = actions.join(", or ");
  return (
    <li className={`attention-item tone-${tone}`}>
      <span className="attention-kind">
        <Icon name={icon} /> {label}
      </span>
      <div className="attention-text">
        <p className="untrusted">{sentence}</p>
        <p className="muted small-text">
          {since && (
            <>
              <Trans>
                Since <TimeAgo at={since} />.
              </Trans>{" "}
            </>
          )}
          {until && (
            <>
              <Trans>
                Until <TimeToCome at={until} />.
              </Trans>{" "}
            </>
          )}
          {actions.length > 0 && <Trans>You can {ways}.</Trans>}
        </p>
      </div>
      <div className="actions">
        {waysFrom(item).map(({ href, label: way }) => (
          <Link key={href} className="button small" href={href}>
            {way}
          </Link>
        ))}
      </div>
    </li>
  );
}

/** What needs a person now, each one step from its cause. */
export function AttentionQueue({ resource }: { resource: Resource<AttentionItem[]> }): ReactNode {
  useReloading(resource, lookEveryMs);
  return (
    <section className="panel" aria-labelledby="attention-heading">
      <h2 id="attention-heading">
        <Trans>Needs a person</Trans>
      </h2>
      <Loaded resource={resource} what={t`what needs a person`}>
        {(items) => (
          <>
            <p role="status" className={items.length === 0 ? "muted" : "visually-hidden"}>
              {items.length === 0
                ? t`Nothing: what is under way goes on by itself.`
                : plural({ things: items.length }, { one: "# thing", other: "# things" })}
            </p>
            {items.length > 0 && (
              <ul className="attention" role="list">
                {items.map((item, index) => (
                  <Item key={`${item.kind} ${item.rollout?.id} ${item.why.sentence} ${index}`} item={item} />
                ))}
              </ul>
            )}
          </>
        )}
      </Loaded>
    </section>
  );
}
