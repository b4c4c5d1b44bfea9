// As much of a browser as signing in at another site takes: cookies of each origin, redirects one by one, forms.

import { ApiClient } from "../fixture.ts";

/** As browsers know the server under test; it listens elsewhere, as it does behind a proxy. */
export const publicUrl = new URL("https://flipside.example");
export const sessionPath = "/api/v1/session";

export interface Page {
  url: URL;
  status: number;
  headers: Headers;
  text: string;
  /** Of a redirect. */
  location: URL | undefined;
}

const redirectsMax = 20;

export class Browser {
  readonly #serverUrl: string;
  readonly #cookies = new Map<string, Map<string, string>>();
  /** Of the newest answer that set some, as it set them. */
  setCookies: string[] = [];

  constructor(serverUrl: string) {
    this.#serverUrl = serverUrl;
  }

  cookiesOf(origin: string): Map<string, string> {
    const known = this.#cookies.get(origin) ?? new Map<string, string>();
    this.#cookies.set(origin, known);
    return known;
  }

  /** One request; a redirect is told and not followed. */
  async ask(
    address: string | URL,
    { form, accept = "text/html" }: { form?: Record<string, string>; accept?: string } = {},
  ): Promise<Page> {
    const url = new URL(address, publicUrl);
    const actual = url.origin === publicUrl.origin ? new URL(url.pathname + url.search, this.#serverUrl) : url;
    const cookies = this.cookiesOf(url.origin);
    const response = await fetch(actual, {
      method: form === undefined ? "GET" : "POST",
      redirect: "manual",
      headers: { accept, cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join("; ") },
      ...(form === undefined ? {} : { body: new URLSearchParams(form) }),
    });
    this.setCookies = response.headers.getSetCookie();
    for (const set of this.setCookies) {
      const [name, value] = set.split(";")[0]!.split("=") as [string, string];
      const isOver = /expires=Thu, 01 Jan 1970/i.test(set);
      if (isOver) cookies.delete(name);
      else cookies.set(name, value);
    }
    const location = response.headers.get("location");
    return {
      ...{ url, status: response.status, headers: response.headers, text: await response.text() },
      location: location === null ? undefined : new URL(location, url),
    };
  }

  /** Follows redirects until one that goes where `stop` says, which is not followed, or until there is none. */
  async go(address: string | URL, stop: (to: URL) => boolean = () => false): Promise<Page> {
    let page = await this.ask(address);
    for (let redirects = 0; page.location !== undefined && !stop(page.location); redirects++) {
      if (redirects > redirectsMax) throw new Error(`redirects without end, at last to ${page.location}`);
      page = await this.ask(page.location);
    }
    return page;
  }

  /** To the provider and back: returns the address that the provider sends the browser to, which is not opened yet. */
  async toCallback(returnTo?: string): Promise<URL> {
    const query = returnTo === undefined ? "" : `?returnTo=${encodeURIComponent(returnTo)}`;
    const isCallback = ({ pathname }: URL): boolean => pathname === `${sessionPath}/oidc/callback`;
    const page = await this.go(`${sessionPath}/oidc${query}`, isCallback);
    if (page.location === undefined) throw new Error(`no way back from ${page.url}: ${page.status} ${page.text}`);
    return page.location;
  }

  /** Returns the answer of the callback. */
  async signIn(returnTo?: string): Promise<Page> {
    return this.ask(await this.toCallback(returnTo));
  }

  /** For the interface, by the session of this browser. */
  get api(): ApiClient {
    const client = new ApiClient(this.#serverUrl);
    const session = this.cookiesOf(publicUrl.origin).get("flipside-session");
    client.cookie = session === undefined ? "" : `flipside-session=${session}`;
    return client;
  }
}
