// Numbers as they are typed.

/** NaN of an empty field, which is no 0. */
export const numberOf = (typed: string): number => (typed.trim() === "" ? Number.NaN : Number(typed));

export const isBetween = (number: number, min: number, max: number): boolean => number >= min && number <= max;
