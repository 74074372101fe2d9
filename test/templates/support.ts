import { MessageError } from "../../src/errors.ts";
import { compileTemplate, type Payload, type RenderOptions, renderTemplate } from "../../src/templates.ts";

export const html: RenderOptions = { contentType: "text/html" };

/** What rendering throws, which must be a MessageError. */
export function refusal(template: string, payload: Payload, options: RenderOptions = {}): MessageError {
  try {
    renderTemplate(template, payload, options);
  } catch (error) {
    if (error instanceof MessageError) return error;
    throw error;
  }
  throw new Error(`${template} was rendered`);
}

/**
 * How many times the time it takes to compile sixteen times as much of the same: about 16 where the time is in
 * proportion, and 256 where it grows with the square. It is processor time, and the least of several: on a busy machine
 * the clock tells of the others.
 */
export function growth(unit: string, options: RenderOptions = {}): number {
  const measure = (length: number): number => {
    // The placeholder at the end has the whole of it looked at.
    const template = `${unit.repeat(length / unit.length)}{{end}}`;
    const before = process.cpuUsage();
    try {
      compileTemplate(template, options);
    } catch {
      // What is refused has to be refused in time.
    }
    const { user, system } = process.cpuUsage(before);
    return user + system;
  };
  const end = performance.now() + 3000;
  let [small, large] = [measure(16_384), measure(262_144)];
  while (large > 40 * small && performance.now() < end) {
    small = Math.min(small, measure(16_384));
    large = Math.min(large, measure(262_144));
  }
  return large / small;
}
