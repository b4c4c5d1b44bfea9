/** So many of what it is called: "1 device", "2 devices". */
export const counted = (count: number, one: string, many = `${one}s`): string => `${count} ${count === 1 ? one : many}`;
