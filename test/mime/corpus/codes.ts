// One-time codes: the first mail most programs send, in the languages people read it in.

import type { Entry } from "./entry.ts";

const LANGUAGES: Readonly<Record<string, readonly [service: string, subject: string, text: string]>> = {
  English: [
    "Penny Bank",
    "042137 is your sign-in code",
    "It is valid for ten minutes. Nobody from us will ever ask for it.",
  ],
  German: [
    "Pfennigbank",
    "042137 ist Ihr Anmeldecode",
    "Er gilt zehn Minuten. Geben Sie ihn niemandem weiter – auch uns nicht.",
  ],
  French: [
    "Banque du Sou",
    "042137 : votre code d’accès",
    "Il est valable dix minutes. Ne le communiquez à personne, même à nous.",
  ],
  Spanish: [
    "Banco del Céntimo",
    "042137 es tu código",
    "¿No lo has pedido tú? Entonces no hagas nada: caduca en diez minutos.",
  ],
  Portuguese: ["Banco do Tostão", "O seu código é 042137", "Não o partilhe. É válido durante dez minutos."],
  Polish: [
    "Bank Groszowy",
    "042137 – Twój kod logowania",
    "Kod jest ważny dziesięć minut. Zażółć gęślą jaźń.",
  ],
  Czech: [
    "Haléřová banka",
    "Váš kód je 042137",
    "Platí deset minut. Příliš žluťoučký kůň úpěl ďábelské ódy.",
  ],
  Turkish: ["Kuruş Bankası", "Giriş kodunuz: 042137", "On dakika geçerlidir; İ ve ı ayrı harflerdir."],
  Vietnamese: [
    "Ngân hàng Xu",
    "Mã đăng nhập của bạn là 042137",
    "Mã có hiệu lực trong mười phút. Đừng chia sẻ với ai.",
  ],
  Greek: ["Τράπεζα του Λεπτού", "Ο κωδικός σας είναι 042137", "Ισχύει για δέκα λεπτά και μόνο για εσάς."],
  Russian: [
    "Копеечный банк",
    "042137 — ваш код для входа",
    "Действует десять минут. Не сообщайте его никому.",
  ],
  Ukrainian: ["Банк Копійка", "Ваш код: 042137", "Діє десять хвилин. Ґанок, їжак, єдність."],
  Armenian: ["Լումա բանկ", "Ձեր կոդն է 042137", "Այն գործում է տասը րոպե։"],
  Georgian: ["თეთრი ბანკი", "თქვენი კოდია 042137", "მოქმედებს ათი წუთი."],
  Chinese: ["一分钱银行", "您的验证码是 042137", "十分钟内有效。请勿告诉任何人，包括自称客服的人。"],
  "traditional Chinese": ["一分錢銀行", "您的驗證碼是 042137", "十分鐘內有效。請勿告訴任何人。"],
  Japanese: [
    "一円銀行",
    "確認コードは042137です",
    "有効期限は十分です。だれにも教えないでください。ｶﾀｶﾅも書けます。",
  ],
  Korean: ["일원은행", "인증번호는 042137입니다", "십 분 동안 유효합니다. 아무에게도 알려 주지 마세요."],
  Arabic: ["بنك الفلس", "رمز الدخول هو 042137", "الرمز صالح لعشر دقائق. لا تعطه لأحد."],
  Hebrew: ["בנק האגורה", "קוד הכניסה שלך הוא 042137", "הקוד תקף לעשר דקות. אל תמסרו אותו לאיש."],
  Persian: [
    "بانک پول خرد",
    "کد شما ۰۴۲۱۳۷ است",
    "این کد ده دقیقه اعتبار دارد و فقط برای شماست؛ نمی‌شود آن را به کسی داد.",
  ],
  Urdu: ["پیسہ بینک", "آپ کا کوڈ 042137 ہے", "یہ دس منٹ کے لیے درست ہے۔"],
  Hindi: ["पैसा बैंक", "आपका कोड 042137 है", "यह दस मिनट तक मान्य है। क्षत्रिय, ज्ञान, श्रीमान।"],
  Bengali: ["পয়সা ব্যাংক", "আপনার কোড ০৪২১৩৭", "দশ মিনিটের জন্য বৈধ।"],
  Tamil: ["காசு வங்கி", "உங்கள் குறியீடு 042137", "பத்து நிமிடங்களுக்குச் செல்லுபடியாகும்."],
  Thai: ["ธนาคารสตางค์", "รหัสของคุณคือ 042137", "ใช้ได้สิบนาที อย่าบอกรหัสนี้กับใคร แม้แต่เจ้าหน้าที่ของเรา"],
  Amharic: ["ሳንቲም ባንክ", "ኮድዎ 042137 ነው", "ለአስር ደቂቃ ያገለግላል።"],
};

export const codes: readonly Entry[] = [
  ...Object.entries(LANGUAGES).map(
    ([language, [service, subject, text]]): Entry => ({
      name: `a one-time code in ${language}`,
      message: {
        from: { name: service, address: "codes@bank.example" },
        to: "customer@example.org",
        subject,
        text: `${subject}\n\n042137\n\n${text}\n`,
        html: `<!doctype html>\n<html lang="x"><body><p>${subject}</p>\n<p><b>042137</b></p>\n<p>${text}</p></body></html>\n`,
      },
    }),
  ),
  {
    name: "a code and nothing else",
    message: { from: "login@example.com", to: "bob@example.org", text: "042137" },
  },
  {
    name: "a code in a subject without a text",
    message: { from: "login@example.com", to: "bob@example.org", subject: "042137" },
  },
  {
    name: "a code that a phone fills in by the domain on its last line",
    message: {
      from: "Login <login@example.com>",
      to: "bob@example.org",
      subject: "Your code",
      text: "Your code is 042137.\r\n\r\n@example.com #042137\r\n",
    },
  },
  {
    name: "a code written with digits of another script and a space that does not break",
    message: {
      from: "login@example.com",
      to: "bob@example.org",
      subject: "٠٤٢\u00a0١٣٧",
      text: "٠٤٢\u00a0١٣٧\n042\u202f137\n",
    },
  },
  {
    name: "a code between emoji",
    message: {
      from: { name: "🔐 Penny", address: "login@example.com" },
      to: { name: "Bob 👨‍👩‍👧‍👦", address: "bob@example.org" },
      subject: "🔑 0️⃣4️⃣2️⃣1️⃣3️⃣7️⃣ is your code 🇺🇳",
      text: "🔑 042137 👍🏽\n",
    },
  },
];
