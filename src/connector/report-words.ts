// What a report says of an error and of a certificate, on one line and in figures.

import { ConfigError, type SmtpError } from "../errors.ts";
import type { CertificateDetails } from "../trace.ts";
import type { Step } from "./steps.ts";

const DAY = 86_400_000;

/** An error on one line. */
export function summaryOf(error: SmtpError): string {
  const count = error instanceof ConfigError ? (error.problems?.length ?? 0) : 0;
  return count > 1 ? `${count} things are wrong with the config` : error.message.replace(/\s+/g, " ").trim();
}

/** All that is wrong with a config. */
export function problemDetails(error: SmtpError): Step["details"] {
  const { problems = [] } = error instanceof ConfigError ? error : {};
  return problems.length === 0 ? {} : { problems: problems.map((problem) => ({ ...problem })) };
}

export function certificateDetails(certificate: CertificateDetails | undefined): Step["details"] {
  if (certificate === undefined) return {};
  const { subject, issuer, names, validFrom, validTo } = certificate;
  const days = daysLeft(certificate);
  return {
    subject,
    issuer,
    names,
    ...(validFrom !== undefined && { validFrom }),
    ...(validTo !== undefined && { validTo }),
    ...(days !== undefined && { daysLeft: days }),
  };
}

/** The certificate in a few words: whose it is, by whom, and for how long. */
export function certificateSummary(certificate: CertificateDetails | undefined): readonly string[] {
  if (certificate === undefined) return [];
  const { subject, issuer, names } = certificate;
  const days = daysLeft(certificate);
  return [
    `certificate of ${names[0] ?? subject}`,
    `issued by ${issuer}`,
    ...(days === undefined ? [] : [lifeOf(days)]),
  ];
}

function lifeOf(days: number): string {
  if (days === 0) return "valid for less than a day";
  const count = Math.abs(days);
  const many = `${count} ${count === 1 ? "day" : "days"}`;
  return days < 0 ? `ended within the last ${many}` : `valid for ${many}`;
}

/** Whole days until it ends; negative where it has, the day that has begun counted. */
function daysLeft({ validTo }: CertificateDetails): number | undefined {
  return validTo === undefined ? undefined : Math.floor((Date.parse(validTo) - Date.now()) / DAY);
}
