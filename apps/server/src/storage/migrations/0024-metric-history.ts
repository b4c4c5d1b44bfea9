// What devices' metrics were, not only what they are: each point for a while, and hours of them for longer. What is
// asked for is one device's metric over a range of time, and so are rows in that order.

import type { Migrate } from "./tools.ts";

export const migrate: Migrate = async (db, { table, clusteredTable }) => {
  await table(
    db,
    "metricSeries",
    ["id: rowNumber", "deviceId: text not null", "name: text not null"],
    `unique ("deviceId", "name")`,
  );
  await clusteredTable(
    db,
    "metricPoints",
    ["seriesId: integer not null", "at: milliseconds not null", "value: integer not null"],
    `primary key ("seriesId", "at")`,
  );
  await clusteredTable(
    db,
    "metricHours",
    [
      "seriesId: integer not null",
      "hour: milliseconds not null",
      "count: integer not null",
      "sum: integer not null",
      "min: integer not null",
      "max: integer not null",
      "last: integer not null",
      "lastAt: milliseconds not null",
    ],
    `primary key ("seriesId", "hour")`,
  );
};
