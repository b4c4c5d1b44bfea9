import type { InputHTMLAttributes, ReactNode } from "react";

type Props = Omit<InputHTMLAttributes<HTMLInputElement>, "onChange" | "value"> & {
  value: string;
  onChange: (value: string) => void;
};

/** For names, ids and addresses, which are what they are: nothing is capitalised, completed or found misspelt. */
export const ExactInput = ({ onChange, ...rest }: Props): ReactNode => (
  <input
    autoComplete="off"
    autoCapitalize="none"
    spellCheck={false}
    {...rest}
    onChange={(event) => onChange(event.target.value)}
  />
);
