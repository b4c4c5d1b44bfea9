// Settings that were kept under a name: a rollout begins with them, its own are kept, or one is kept no longer.

import { t } from "@lingui/core/macro";
import { Trans } from "@lingui/react/macro";
import { type ReactNode, useState } from "react";
import { rolloutNameCharactersMax } from "@flipside/api/limits";
import type { NewRollout, RolloutTemplate } from "@flipside/api/types";
import { deleteTemplate, listTemplates, saveTemplate } from "../api/rollout-templates.ts";
import { useFleet, useResource } from "../live/hooks.ts";
import type { Resource } from "../live/resource.ts";
import { settingsOf } from "../rollout-templates.ts";
import { ActButton } from "./act.tsx";
import { ConfirmDialog, FormDialog } from "./dialog.tsx";
import { Field } from "./field.tsx";
import { ProblemNotice } from "./problem-notice.tsx";

interface Props {
  /** Undefined: the form is not complete, and says so itself. */
  request: () => NewRollout | undefined;
  onTake: (template: RolloutTemplate) => void;
}

const useTemplates = (): Resource<RolloutTemplate[]> =>
  useFleet().asked<RolloutTemplate[]>("rollout templates", { load: listTemplates, apply: (value) => value });

const deleteWords = (name: string): string => t`Delete the template ${name}?`;

export function TemplateBar({ request, onTake }: Props): ReactNode {
  const resource = useTemplates();
  const { value: templates = [], problem } = useResource(resource);
  const [chosenId, setChosen] = useState("");
  const [saving, setSaving] = useState<NewRollout>();
  const [deleting, setDeleting] = useState(false);
  const chosen = templates.find(({ id }) => id === chosenId);
  const take = (id: string): void => {
    setChosen(id);
    const template = templates.find((each) => each.id === id);
    if (template !== undefined) onTake(template);
  };
  return (
    <section className="panel" aria-labelledby="template-heading">
      <h2 id="template-heading">
        <Trans>Template</Trans>
      </h2>
      {problem && <ProblemNotice problem={problem} lead={t`Could not load the templates`} />}
      <Field
        label={t`Begin with the settings of`}
        hint={
          templates.length === 0
            ? t`None is kept yet. Set the waves and limits below, then keep them under a name.`
            : t`Waves, limits and pace are taken over; release, devices and start stay as they are.`
        }
      >
        {(ids) => (
          <select {...ids} value={chosenId} onChange={(event) => take(event.target.value)}>
            <option value="">
              <Trans>no template</Trans>
            </option>
            {templates.map(({ id, name }) => (
              <option key={id} value={id}>
                {name}
              </option>
            ))}
          </select>
        )}
      </Field>
      <div className="actions template-actions">
        <ActButton needs="rollouts:write" className="button small" onClick={() => setSaving(request())}>
          <Trans>Keep as template…</Trans>
        </ActButton>
        {chosen && (
          <ActButton needs="rollouts:write" className="button small" onClick={() => setDeleting(true)}>
            <Trans>Delete template…</Trans>
          </ActButton>
        )}
      </div>
      {saving && (
        <SaveDialog
          request={saving}
          templates={templates}
          suggested={chosen?.name ?? ""}
          onSaved={() => void resource.reload()}
          onClose={() => setSaving(undefined)}
        />
      )}
      {deleting && chosen && (
        <ConfirmDialog
          title={deleteWords(chosen.name)}
          confirm={t`Delete template`}
          dangerous
          action={async () => {
            await deleteTemplate(chosen.id);
            setChosen("");
            void resource.reload();
          }}
          onClose={() => setDeleting(false)}
        >
          <p>
            <Trans>Nobody can begin with it any more. Rollouts that were begun with it are as they are.</Trans>
          </p>
        </ConfirmDialog>
      )}
    </section>
  );
}

interface SaveProps {
  request: NewRollout;
  templates: readonly RolloutTemplate[];
  suggested: string;
  onSaved: () => void;
  onClose: () => void;
}

function SaveDialog({ request, templates, suggested, onSaved, onClose }: SaveProps): ReactNode {
  const [name, setName] = useState(suggested);
  const error = name.trim() === "" ? t`Give it a name.` : undefined;
  const isThere = templates.some((each) => each.name === name.trim());
  return (
    <FormDialog
      title={t`Keep these settings as a template`}
      confirm={isThere ? t`Replace template` : t`Keep template`}
      lead={t`The template was not kept`}
      isWrong={error !== undefined}
      action={async () => {
        await saveTemplate(name.trim(), settingsOf(request));
        onSaved();
      }}
      onClose={onClose}
      about={
        <p>
          <Trans>Everybody who makes rollouts here can begin with it.</Trans>
        </p>
      }
      fields={(tried) => (
        <Field
          label={t`Name of the template`}
          hint={isThere ? t`There is one of this name: it is replaced.` : undefined}
          error={tried ? error : undefined}
        >
          {(ids) => (
            <input
              {...ids}
              value={name}
              maxLength={rolloutNameCharactersMax}
              onChange={(event) => setName(event.target.value)}
            />
          )}
        </Field>
      )}
    />
  );
}
