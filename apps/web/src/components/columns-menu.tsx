// Which columns a list shows: those that are ticked, in the order in which they were.

import { t } from "@lingui/core/macro";
import type { ReactNode } from "react";
import { viewColumnsMax } from "@flipside/api/limits";
import { Menu } from "./menu.tsx";

interface Props {
  offered: readonly { id: string; head: string }[];
  chosen: readonly string[];
  onChoose: (ids: string[]) => void;
}

export const ColumnsMenu = ({ offered, chosen, onChoose }: Props): ReactNode => (
  <Menu label={t`Columns`}>
    {() =>
      offered.map(({ id, head }) => {
        const isChosen = chosen.includes(id);
        return (
          <label key={id} className="menu-item choice">
            <input
              type="checkbox"
              checked={isChosen}
              disabled={!isChosen && chosen.length >= viewColumnsMax}
              onChange={() => onChoose(isChosen ? chosen.filter((each) => each !== id) : [...chosen, id])}
            />
            {head}
          </label>
        );
      })
    }
  </Menu>
);
