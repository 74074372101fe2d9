// The corpus: every message that is composed and read back.

import { codes } from "./codes.ts";
import type { Entry } from "./entry.ts";
import { fieldEntries } from "./fields.ts";
import { files } from "./files.ts";
import { forms } from "./forms.ts";
import { letters } from "./letters.ts";
import { names } from "./names.ts";
import { sources } from "./sources.ts";
import { subjects } from "./subjects.ts";
import { texts } from "./texts.ts";
import { threads } from "./threads.ts";

export const corpus: readonly Entry[] = [
  ...codes,
  ...letters,
  ...names,
  ...subjects,
  ...texts,
  ...files,
  ...fieldEntries,
  ...forms,
  ...threads,
  ...sources,
];
