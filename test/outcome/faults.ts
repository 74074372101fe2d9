// What a server may do wrong once, in place of one reply or in the middle of mail data.

/** Where in a session a fault strikes: in place of the reply to a command, or where none is owed. */
export type Place =
  | "GREETING"
  | "EHLO"
  | "STARTTLS"
  | "HANDSHAKE" // in place of TLS, once the client has begun it
  | "AUTH"
  | "RESPONSE"
  | "MAIL"
  | "RCPT"
  | "DATA"
  | "BDAT" // the reply to a chunk that is not the last
  | "CONTENT" // amid mail data, where no reply is owed
  | "END" // the reply to the end of the mail data, however it came
  | "RSET"
  | "QUIT"
  | "IDLE"; // between two messages, where no reply is owed

export interface Fault {
  readonly name: string;
  /** What is said, line ends and all, where `right` would be. */
  readonly words: (right: string, place: Place) => string;
  readonly pace?: "octet by octet" | "slowly" | "endlessly";
  /** Whether the server does what it was told to, whatever it says. A refusal of the message itself it always means. */
  readonly obeys: boolean;
  /** Whether the words are a refusal, by which the server is bound. */
  readonly refuses?: boolean;
  readonly after: "goes on" | "goes deaf" | "leaves" | "hangs up" | "closes its side";
  /** Whether whoever says this is in step still, so that the connection may go on to serve. */
  readonly isInStep?: boolean;
  /** Whether what is awaited when it ends is what it struck, and nothing later or earlier. */
  readonly isPrompt?: boolean;
  /** Where it means something else, or nothing. */
  readonly notAt?: readonly Place[];
}

/** Replies that nobody can take for the right one, nor for a refusal. */
const NONSENSE: Readonly<Record<string, Fault["words"]>> = {
  "1yz": () => "150 wait\r\n",
  "3yz": (right) => (right.startsWith("354") ? "334 go\r\n" : "354 go\r\n"),
  "999": () => "999 what\r\n",
  garbage: () => "HTTP/1.1 400 Bad Request\r\n",
  "a line too long": (right) => `${right.slice(0, 3)} ${"x".repeat(5_000)}\r\n`,
  "mixed codes": (right) => `${right.slice(0, 3)}-ok\r\n550 no\r\n`,
};

const REFUSALS: Readonly<Record<string, string>> = {
  "421": "421 4.3.2 bye\r\n",
  "4yz": "451 4.3.0 later\r\n",
  "5yz": "554 5.7.1 no\r\n",
};

/** A TLS record that is announced, and never comes whole. */
const HALF_A_RECORD = `\x16\x03\x03\x20\x00\x02${"\x00".repeat(2_000)}`;

/** No reply is owed, so that an extra one is all there is, and none can be cut or follow it. */
const UNOWED: readonly Place[] = ["HANDSHAKE", "CONTENT", "IDLE"];

export const FAULTS: readonly Fault[] = [
  { name: "FIN", words: nothing, obeys: true, after: "leaves", isPrompt: true },
  { name: "FIN, reading on", words: nothing, obeys: true, after: "closes its side", isPrompt: true },
  { name: "RST", words: nothing, obeys: true, after: "hangs up" },
  { name: "silence", words: nothing, obeys: true, after: "goes deaf", isPrompt: true },
  { name: "a reply left out", words: nothing, obeys: true, after: "goes on" },
  {
    name: "drip",
    words: (right, place) =>
      place === "HANDSHAKE" ? HALF_A_RECORD : `${right.slice(0, 3)} ${"x".repeat(1_500)}\r\n`,
    pace: "slowly",
    obeys: true,
    after: "goes deaf",
  },
  {
    name: "half a reply and FIN",
    words: (right) => right.slice(0, 2),
    obeys: true,
    after: "leaves",
    isPrompt: true,
    notAt: UNOWED,
  },
  {
    name: "endless lines",
    words: (right) => `${right.slice(0, 3)}-x\r\n`.repeat(200),
    pace: "endlessly",
    obeys: true,
    after: "goes deaf",
  },
  ...Object.entries(REFUSALS).flatMap(([name, reply]): readonly Fault[] => {
    const isLast = name === "421";
    const fault = { words: () => reply, refuses: true } as const;
    return [
      {
        ...fault,
        name,
        obeys: false,
        after: isLast ? "leaves" : "goes on",
        isInStep: !isLast,
        isPrompt: isLast,
      },
      { ...fault, name: `${name}, going on`, obeys: true, after: "goes on" },
    ];
  }),
  ...Object.entries(NONSENSE).flatMap(([name, words]): readonly Fault[] => [
    { name, words, obeys: false, after: "leaves", isPrompt: true },
    { name: `${name}, going on`, words, obeys: true, after: "goes on" },
  ]),
  {
    name: "an extra yes before",
    words: extra("250 2.0.0 extra\r\n", "before"),
    obeys: true,
    after: "goes on",
  },
  {
    name: "an extra no before",
    words: extra("550 5.0.0 extra\r\n", "before"),
    obeys: true,
    refuses: true,
    after: "goes on",
  },
  {
    name: "an extra yes behind",
    words: extra("250 2.0.0 extra\r\n", "behind"),
    obeys: true,
    after: "goes on",
    notAt: UNOWED,
  },
  {
    name: "an extra no behind",
    words: extra("550 5.0.0 extra\r\n", "behind"),
    obeys: true,
    after: "goes on",
    notAt: UNOWED,
  },
  {
    name: "the right reply, octet by octet",
    words: (right) => right,
    pace: "octet by octet",
    obeys: true,
    after: "goes on",
    isInStep: true,
    notAt: UNOWED,
  },
];

/** Is the one fault that is none: whoever cannot read it fails for nothing. */
export const isHarmless = ({ pace }: Fault): boolean => pace === "octet by octet";

/** Nothing comes of it that the client could notice by itself. */
export const isSilent = ({ words, after }: Fault): boolean =>
  words === nothing && (after === "goes deaf" || after === "goes on");

function nothing(): string {
  return "";
}

function extra(reply: string, where: "before" | "behind"): Fault["words"] {
  return (right, place) => {
    if (UNOWED.includes(place)) return reply;
    return where === "before" ? reply + right : right + reply;
  };
}
