// The interface as a page that people browse, /api-docs: Swagger UI over the document that this server serves. It works
// without any other site, and runs nothing but its own files.

import { createRequire } from "node:module";
import { dirname } from "node:path";
import { type RequestHandler, Router } from "express";
import { apiPrefix } from "@flipside/api/route";

export const apiPagePath = "/api-docs";

/** Swagger UI sets styles on its elements, and has its pictures in its style sheet. */
const contentSecurityPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

const page = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>Flipside: the REST interface</title>
    <link rel="icon" href="data:,">
    <link rel="stylesheet" href="${apiPagePath}/swagger-ui.css">
    <script src="${apiPagePath}/swagger-ui-bundle.js" defer></script>
    <script src="${apiPagePath}/begin.js" defer></script>
  </head>
  <body>
    <noscript>This page needs JavaScript. The document itself is at ${apiPrefix}/openapi.json.</noscript>
    <div id="page"></div>
  </body>
</html>
`;

/**
 * Asks by the session of whoever is signed in to the console. Groups are closed at first: of 125 operations that are
 * shown at once this version of Swagger UI shows the first few alone, and says nothing.
 */
const begin = `SwaggerUIBundle({
  url: "${apiPrefix}/openapi.json",
  dom_id: "#page",
  deepLinking: true,
  docExpansion: "none",
  filter: true,
  validatorUrl: null,
  defaultModelsExpandDepth: 0,
});
`;

/** The files that it loads, of the package swagger-ui-dist. */
const files = ["swagger-ui.css", "swagger-ui-bundle.js"];

export function apiPage(): Router {
  const folder = dirname(createRequire(import.meta.url).resolve("swagger-ui-dist/package.json"));
  const headers: RequestHandler = (_request, response, next) => {
    response.setHeader("Content-Security-Policy", contentSecurityPolicy);
    response.setHeader("Cache-Control", "no-cache");
    next();
  };
  const router = Router();
  router.use(apiPagePath, headers);
  router.get(apiPagePath, (_request, response) => void response.type("html").send(page));
  router.get(`${apiPagePath}/begin.js`, (_request, response) => void response.type("js").send(begin));
  for (const file of files)
    router.get(`${apiPagePath}/${file}`, (_request, response, next) =>
      response.sendFile(file, { root: folder, cacheControl: false }, (error) => error && next(error)),
    );
  return router;
}
