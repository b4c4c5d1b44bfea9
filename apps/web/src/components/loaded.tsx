import { t } from "@lingui/core/macro";
import type { ReactNode } from "react";
import { useResource } from "../live/hooks.ts";
import type { Resource } from "../live/resource.ts";
import { ProblemNotice } from "./problem-notice.tsx";

interface Props<T> {
  resource: Resource<T>;
  /** The thing in words, such as "the list of devices". */
  what: string;
  children: (value: T) => ReactNode;
}

/** Shows a resource once it is there. A value that could not be refreshed stays, under a notice that says so. */
export function Loaded<T>({ resource, what, children }: Props<T>): ReactNode {
  const { value, problem } = useResource(resource);
  return (
    <>
      {problem && (
        <ProblemNotice problem={problem} lead={t`Could not load ${what}`} onRetry={() => void resource.reload()} />
      )}
      {value !== undefined && children(value)}
      {value === undefined && !problem && (
        <p className="loading" role="status">
          {t`Loading ${what}…`}
        </p>
      )}
    </>
  );
}
