// Where a webhook leads to: a server, or by mailto: one mailbox (RFC 6068, without its header fields and its list).

const scheme = /^mailto:/i;
const atoms = "[A-Za-z0-9!$'*+/=_~-]+(\\.[A-Za-z0-9!$'*+/=_~-]+)*";
const label = "[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?";
/**
 * ASCII, and nothing that would have to be quoted in a header, in SMTP or in a URL: no blank, no line break, no comma,
 * none of <>"%?#&. Few mailboxes are called so.
 */
const mailbox = new RegExp(`^(?=.{1,64}@.{1,253}$)${atoms}@${label}(\\.${label})*$`);

export const isMailbox = (text: string): boolean => mailbox.test(text);

export const leadsToMailbox = (url: string): boolean => scheme.test(url);

/** Undefined: it leads to no mailbox, or to more than one plain one. */
export function mailboxOf(url: string): string | undefined {
  const text = url.replace(scheme, "");
  return leadsToMailbox(url) && isMailbox(text) ? text : undefined;
}

/** What people are shown of it: the mailbox, or the host, since the rest of such an address may be a secret. */
export const placeOf = (url: string): string => mailboxOf(url) ?? new URL(url).host;
