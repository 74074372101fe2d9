// Content that has to be opened, for those who say so: the only door to sources/. No value of a message reaches it.

import { dataUrl } from "./sources/data-url.ts";
import { file } from "./sources/file.ts";
import { stream } from "./sources/stream.ts";
import { url } from "./sources/url.ts";

/**
 * Makes attachments of what is not in memory, or comes as a URL.
 *
 * @example
 * ```ts
 * const attachments = [
 *   attachment.file("/var/reports/march.pdf"),
 *   attachment.file("/var/images/logo.png", { cid: "logo" }),
 *   attachment.dataUrl("data:text/plain,hello", { filename: "hello.txt" }),
 * ];
 * ```
 */
export const attachment: {
  readonly file: typeof file;
  readonly url: typeof url;
  readonly dataUrl: typeof dataUrl;
  readonly stream: typeof stream;
} = { file, url, dataUrl, stream };
