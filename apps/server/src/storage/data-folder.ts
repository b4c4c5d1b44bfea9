// What lies in a server's data folder, for the server and for whoever copies it.

/** SQLite's; a server on PostgreSQL has none. */
export const databaseFileName = "flipside.sqlite";
/** Image files, each named by the SHA-256 of its content. */
export const imagesFolderName = "images";
