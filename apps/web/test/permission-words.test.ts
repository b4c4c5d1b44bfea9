import { permissions, roles } from "@flipside/api/permissions";
import { expect, it } from "vitest";
import { permissionWords, roleWords } from "../src/words/permission-words.ts";

it("says of permissions and roles in English what the interface says", () => {
  expect(permissionWords).toEqual(permissions);
  expect(roleWords).toEqual(Object.fromEntries(Object.entries(roles).map(([name, { summary }]) => [name, summary])));
});
