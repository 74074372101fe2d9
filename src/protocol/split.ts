// The recipients of a message in as many transactions as the server's limits ask for (LIMITS, RFC 9422).

import type { Limits } from "./extensions.ts";

/**
 * Parts recipients into groups that keep within the limits of a transaction, each in the order it was given in. Where
 * domains are counted, those of a domain come together as far as there is room: in the order of a list that alternates,
 * each would be a group of its own. RFC 9422 counts domains over the session, so that such groups go over one each.
 */
export function splitRecipients(
  to: readonly string[],
  { rcptMax = Number.POSITIVE_INFINITY, rcptDomainMax = Number.POSITIVE_INFINITY }: Limits,
): readonly (readonly string[])[] {
  if (rcptDomainMax < to.length) return byDomain(to, rcptMax, rcptDomainMax);
  if (to.length <= rcptMax) return [to];
  const groups: (readonly string[])[] = [];
  for (let at = 0; at < to.length; at += rcptMax) groups.push(to.slice(at, at + rcptMax));
  return groups;
}

interface Group {
  readonly to: string[];
  domains: number;
}

function byDomain(
  to: readonly string[],
  rcptMax: number,
  rcptDomainMax: number,
): readonly (readonly string[])[] {
  const groups: Group[] = [];
  const groupOf = new Map<string, Group>();
  for (const recipient of to) {
    const domain = recipient.slice(recipient.lastIndexOf("@") + 1).toLowerCase();
    let group = groupOf.get(domain);
    if (group === undefined || group.to.length >= rcptMax) {
      // The last group only: to look for room in all of them would take the square of their number.
      group = groups.at(-1);
      if (group === undefined || group.domains >= rcptDomainMax || group.to.length >= rcptMax) {
        group = { to: [], domains: 0 };
        groups.push(group);
      }
      group.domains++;
      groupOf.set(domain, group);
    }
    group.to.push(recipient);
  }
  return groups.map((group) => group.to);
}
