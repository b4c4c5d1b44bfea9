// The database can't be used just now. Work that failed with this may be asked for again.

export class StorageUnavailable extends Error {
  /** For whoever asked. */
  readonly advice: string;

  constructor(message: string, advice: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "StorageUnavailable";
    this.advice = advice;
  }
}

/** Another program has held the database for too long. Nothing of the work was stored. */
export class StorageBusy extends StorageUnavailable {
  constructor() {
    super(
      "the database is held by another program",
      "Another program holds the server's database, such as a backup. Nothing of this was stored; try again in a moment.",
    );
    this.name = "StorageBusy";
  }
}
