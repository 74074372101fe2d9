// Subjects: every length and script, and everything a reader could take for something else.

import type { Entry } from "./entry.ts";

function subject(what: string, subject: string): Entry {
  return {
    name: `a subject ${what}`,
    message: {
      from: "a@example.com",
      to: "b@example.org",
      subject,
      text: "x\n",
      headers: { "X-Same": subject },
    },
  };
}

export const subjects: readonly Entry[] = [
  subject("that is empty", ""),
  subject("of one letter", "x"),
  subject("of 5,000 characters with spaces", "word and ".repeat(556).slice(0, 5000).trim()),
  subject("of 5,000 characters without a space", "x".repeat(5000)),
  subject("of 5,000 Chinese characters", "验证码很长".repeat(1000)),
  subject("of 5,000 emoji", "😀".repeat(2500)),
  subject("of 5,000 blanks between two letters", `a${" ".repeat(4998)}b`),
  subject("of 5,000 equals signs", "=".repeat(5000)),
  subject("with a word of 997 letters in it", `a ${"y".repeat(900)} b`),
  subject("with blanks before and behind", "  padded  "),
  subject("of one blank", " "),
  subject("that looks like an encoded-word", "=?utf-8?B?eA==?="),
  subject("that begins an encoded-word", "is a =? b"),
  subject(
    "with everything between tilde and space",
    Array.from({ length: 95 }, (_, at) => String.fromCharCode(126 - at)).join(""),
  ),
  subject("that fills its line to the last", "z".repeat(67)),
  subject("one longer than its line", "z".repeat(68)),
  subject("that fills a line with words", `${"abcdefg ".repeat(8)}abcd`),
  subject("in Arabic with numbers and Latin", "الفاتورة رقم 42 من Penny Ltd. بتاريخ 22/11/2026"),
  subject("in Hebrew", "חשבונית מספר 42: תודה שקנית אצלנו"),
  subject("in Thai, without spaces", "ขอบคุณสำหรับการสั่งซื้อสินค้าของท่านกับร้านค้าของเราในวันนี้"),
  subject("in Devanagari", "आपका बिल क्रमांक ४२ तैयार है — धन्यवाद"),
  subject("in Korean of single letters", "ㅎㅏㄴㄱㅡㄹ 한글 \u1112\u1161\u11ab\u1100\u1173\u11af"),
  subject("of families and flags", "👨‍👩‍👧‍👦🏴󠁧󠁢󠁳󠁣󠁴󠁿🇨🇭👍🏻👍🏿🧑🏽‍🚀❤️‍🔥".repeat(8)),
  subject("of letters with thirty marks each", `Z${"\u0300\u0316".repeat(15)}a${"\u0308\u0323".repeat(15)}l`),
  subject(
    "with a few letters beyond ASCII in many words",
    "The café’s naïve rôle in the coöperative’s façade, or: why Zoë’s résumé was never read by anyone",
  ),
  subject("of C1 neighbours and signs", "\u00a0 ¡¢£¤¥¦§¨©ª«¬®¯°±²³´µ¶·¸¹º»¼½¾¿×÷ÿ"),
  subject("with signs nobody sees", "a\u200bb\u200dc\u2060d\u00ade"),
  subject("with the last character there is", "\u{10ffff}\ufffd\u{fffff}"),
  subject("that looks like a field", "Bcc: victim@example.org"),
  subject("with a percent escape and a quoted-printable one", "100%25 =20 =3D_x_"),
  subject("with lone words between scripts", "a 日 b 本 c 語 d"),
];
