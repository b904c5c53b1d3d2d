/** The commands of the program, and their flags. Pure. */

import { CHECKSUM_ALGORITHMS } from "../download/checksum.ts";
import { PRIORITIES } from "../download/priority.ts";
import { ORDERS } from "../status/lists.ts";
import { PROCESS_STATUSES, type Status } from "../status/schema.ts";
import { type Habit, HABITS } from "./habits.ts";

/** The forms that downloads are written down in. */
export const FORMATS = ["json", "csv", "list"] as const;

/** What a word may be, for shells to complete; null for what no list holds. */
export type Choices = "file" | "directory" | readonly string[] | null;

/** A flag of a command. */
export interface Flag {
  /** Without the dashes. */
  readonly name: string;
  /** One letter; null for none. */
  readonly short: string | null;
  /** What its value is, for the help; null if it takes none. */
  readonly value: string | null;
  readonly meaning: string;
  /** What its value may be. */
  readonly choices: Choices;
  /** Whether each time that it is given counts, or only the last. */
  readonly times: "last" | "each";
}

type Statuses = readonly Status["process_status"][];

/** A command. */
export interface CommandUsage {
  readonly name: string;
  /** The operands that it takes, for the help. */
  readonly operands: string;
  /** What an operand may be; ids are of the server's downloads that stand so. */
  readonly choices: Choices | { readonly ids: Statuses };
  /** One line without a full stop. */
  readonly summary: string;
  /** Further advice, as lines. */
  readonly notes: readonly string[];
  readonly flags: readonly Flag[];
  /** Flags that are also variables of the environment. */
  readonly settings: readonly Flag[];
  /** Flags of other tools that are understood. */
  readonly habits: readonly Habit[];
  readonly examples: readonly string[];
}

/** The value of a flag that is `true` where it is given without one. */
export const SWITCH = "[true|false]";

/** A flag for a setting, `--threads-amount 8` or `--remote-time`. */
export function settingFlag(
  { name, meaning, choices, isSwitch }:
    & Pick<Flag, "name" | "meaning" | "choices">
    & { readonly isSwitch: boolean },
): Flag {
  const words = Array.isArray(choices) ? choices.join("|") : "VALUE";
  const value = isSwitch ? SWITCH : words;
  return { name, short: null, value, meaning, choices, times: "last" };
}

/** What the program's exit codes mean. */
export const EXIT_CODES = {
  0: "done",
  1: "a download failed, or the server said no",
  2: "wrong use",
  130: "interrupted",
  143: "terminated",
} as const;

function flag(
  name: string,
  value: string | null,
  meaning: string,
  more: Partial<Flag> = {},
): Flag {
  const choices = value === "FILE" ? "file" : null;
  const usual = { short: null, choices, times: "last" } as const;
  return { name, value, meaning, ...usual, ...more };
}

const HELP = flag("help", null, "this text", { short: "h" });
const JSON_LINES = flag("json", null, "one JSON object per line");

const CHECKSUMS: readonly Flag[] = CHECKSUM_ALGORITHMS.map((name) =>
  flag(name, "DIGEST", `the ${name} that the file must have`)
);

const REQUEST: readonly Flag[] = [
  flag("output", "NAME", "the file's name, for one URL", { short: "o" }),
  flag("header", "LINE", 'a header, "Name: value"; once for each', {
    short: "H",
    times: "each",
  }),
  flag("mirror", "URL", "another URL of the same file; once for each", {
    times: "each",
  }),
  ...CHECKSUMS.map((flag) => ({
    ...flag,
    meaning: `${flag.meaning}, for one URL`,
  })),
  flag(
    "checksum-from",
    "auto|URL",
    "look for a checksum where origins publish them, or in the file at a URL",
  ),
  flag(
    "input-file",
    "FILE",
    "more URLs, one a line; - for standard input, # for a comment",
    { short: "i", times: "each" },
  ),
  flag(
    "curl",
    "FILE",
    "curl commands, as browsers copy them; - for standard input",
    { times: "each" },
  ),
  flag("cookie", "DATA", 'cookies, "name=value", or a file of them', {
    short: "b",
    choices: "file",
    times: "each",
  }),
  flag(
    "proxy",
    "NAME",
    "one of the proxies in CONFIG_FILE, or direct for none",
  ),
  flag(
    "metalink",
    "FILE",
    "what a Metalink document tells of (also FILE.meta4)",
    {
      times: "each",
    },
  ),
  flag("no-glob", null, "take {, }, [ and ] in URLs as they are"),
];

const NETRC: readonly Flag[] = [
  flag("netrc", null, "names and passwords from ~/.netrc"),
  flag("netrc-file", "FILE", "names and passwords from another file"),
];

const REMOTE: readonly Flag[] = [
  flag("server", "URL", "the server (ws://localhost:8888/)"),
  flag("token", "TOKEN", "the server's token; safer in SLUICE_TOKEN"),
  flag(
    "ca-file",
    "FILE",
    "certificates in PEM that a wss server may have besides the usual ones",
  ),
  JSON_LINES,
  HELP,
];

const STATUS = flag(
  "status",
  "STATUS",
  "Queued, Downloading, Paused, Downloaded or Failed; once for each",
  { times: "each", choices: PROCESS_STATUSES },
);
const ALL = (which: string) => [
  flag("all", null, `all that are ${which}`),
  { ...STATUS, meaning: `with --all: ${STATUS.meaning}` },
  flag("search", "TEXT", "with --all: part of the URL or the name"),
];
const START_AT = flag(
  "start-at",
  "TIME",
  "not at once, but when it is 2026-11-29T18:00",
);
const IDS = ["An id may be cut down to its first characters."];

/** Where a download can be moved to, besides a number. */
export const PLACES = ["top", "up", "down", "bottom"] as const;

/**
 * All commands.
 *
 * @param settings The settings that `serve` and `get` take, as flags.
 */
export function createCommands(
  settings: Readonly<Record<"serve" | "get", readonly Flag[]>>,
): readonly CommandUsage[] {
  const none = { notes: [], settings: [], habits: [], choices: null };
  return [
    {
      ...none,
      name: "serve",
      operands: "",
      summary: "Serve the page and the WebSocket; what is done by itself",
      flags: [flag("version", null, "which version this is"), HELP],
      settings: settings.serve,
      examples: ["sluice", "sluice serve --port 9000 --threads-amount 32"],
    },
    {
      ...none,
      name: "get",
      operands: "URL…",
      summary: "Fetch files now, without a server",
      notes: [
        "Paths go to standard output, progress to standard error.",
        "Interrupted, the same command goes on where it was.",
        `Exit code: ${
          Object.entries(EXIT_CODES).map((pair) => pair.join(" ")).join("; ")
        }.`,
      ],
      flags: [
        ...REQUEST,
        flag("skip-existing", null, "fetch no file that is there already"),
        flag(
          "timestamping",
          null,
          "fetch a file again, in its place, only if it has changed",
          { short: "N" },
        ),
        ...NETRC,
        flag("quiet", null, "say nothing but errors", { short: "q" }),
        JSON_LINES,
        HELP,
      ],
      settings: settings.get,
      habits: HABITS,
      examples: [
        "sluice get https://example.org/file.iso",
        "sluice get -o disk.img --sha256 9f86d081… https://example.org/x",
        'sluice get -H "Authorization: Bearer …" https://example.org/private',
        "grep -o 'https://.*zip' page.html | sluice get --input-file -",
      ],
    },
    {
      ...none,
      name: "add",
      operands: "URL…",
      summary: "Add downloads to a server's queue",
      notes: ["Their ids go to standard output."],
      flags: [
        ...REQUEST,
        flag(
          "directory",
          "DIR",
          "where files go below the server's own directory",
          { short: "P" },
        ),
        flag("threads", "NUMBER", "threads that each may have at most"),
        flag(
          "limit-rate",
          "RATE",
          "bytes a second that each may take: 500k, 2M",
        ),
        flag(
          "sequential",
          null,
          "from front to back, to be opened while they come",
        ),
        flag("priority", PRIORITIES.join("|"), "which begin first", {
          choices: PRIORITIES,
        }),
        flag("paused", null, "do not begin before they are resumed"),
        flag("start-at", "TIME", "when they begin, such as 2026-11-29T18:00"),
        ...NETRC,
        ...REMOTE,
      ],
      habits: HABITS,
      examples: [
        "sluice add https://example.org/file.iso",
        "sluice add -P films/2026 https://example.org/film.mkv",
        "sluice add --server wss://nas.example:8888/ -i urls.txt",
        "sluice add -b cookies.txt https://example.org/private",
        "wl-paste | sluice add --curl -",
      ],
    },
    {
      ...none,
      name: "list",
      operands: "[WORDS]",
      summary: "List a server's downloads, the latest first",
      notes: ["WORDS look for a part of the URL or the name."],
      flags: [
        STATUS,
        flag("order", "ORDER", "latest, queue (what begins next), name, …", {
          choices: ORDERS,
        }),
        flag("limit", "NUMBER", "how many at most (100)"),
        flag("offset", "NUMBER", "how many to leave out before (0)"),
        ...REMOTE,
      ],
      examples: [
        "sluice list",
        "sluice list --status Failed --json",
        "sluice list --status Queued --order queue",
      ],
    },
    {
      ...none,
      name: "import",
      operands: "FILE",
      choices: "file",
      summary: "Add what aria2 has saved of its session",
      notes: [
        "- is standard input. Further URLs of a file are its mirrors.",
        "Exit code 1 if something is left out; it is named.",
      ],
      flags: REMOTE,
      examples: ["sluice import ~/.aria2/aria2.session"],
    },
    {
      ...none,
      name: "export",
      operands: "[WORDS]",
      summary: "Write down a server's downloads, in the order of its queue",
      notes: [
        "WORDS look for a part of the URL or the name.",
        "A list is what add -i reads. Queries of URLs may hold secrets, too.",
      ],
      flags: [
        flag("format", "FORMAT", "json (if not given), csv or list", {
          choices: FORMATS,
        }),
        STATUS,
        flag(
          "secrets",
          null,
          "with headers such as Authorization and Cookie, and passwords in URLs",
        ),
        ...REMOTE.filter((flag) => flag !== JSON_LINES),
      ],
      examples: [
        "sluice export > downloads.json",
        "sluice export --format list --status Failed > urls.txt",
      ],
    },
    {
      ...none,
      name: "watch",
      operands: "",
      summary: "See a server's downloads live; q quits",
      notes: ['With --json, a removed download is {"id": …, "removed": true}.'],
      flags: [
        flag(
          "until-idle",
          null,
          "end once nothing is queued or running; exit code 1 if any has failed",
        ),
        ...REMOTE,
      ],
      examples: [
        "sluice watch",
        "sluice watch --json | jq .progress",
        "sluice add -i urls.txt && sluice watch --until-idle",
      ],
    },
    {
      ...none,
      name: "pause",
      operands: "ID…",
      choices: { ids: ["Queued", "Downloading"] },
      summary: "Pause downloads",
      notes: IDS,
      flags: [...ALL("queued or downloading"), ...REMOTE],
      examples: ["sluice pause 3f2a", "sluice pause --all"],
    },
    {
      ...none,
      name: "resume",
      operands: "ID…",
      choices: { ids: ["Paused"] },
      summary: "Resume paused downloads",
      notes: IDS,
      flags: [...ALL("paused"), START_AT, ...REMOTE],
      examples: ["sluice resume 3f2a", "sluice resume --all"],
    },
    {
      ...none,
      name: "retry",
      operands: "ID…",
      choices: { ids: ["Failed"] },
      summary: "Try failed downloads again, keeping what is there",
      notes: IDS,
      flags: [...ALL("failed"), START_AT, ...REMOTE],
      examples: ["sluice retry 3f2a", "sluice retry --all"],
    },
    {
      ...none,
      name: "refresh",
      operands: "ID URL",
      choices: { ids: [] },
      summary: "Go on with another URL for the same file",
      notes: [...IDS, "What is there is kept if the file is the same."],
      flags: REMOTE,
      examples: ["sluice refresh 3f2a 'https://example.org/x?signature=…'"],
    },
    {
      ...none,
      name: "relocate",
      operands: "DIR ID…",
      choices: { ids: ["Downloaded"] },
      summary: "Move finished files to a directory of the server",
      notes: [
        "DIR is below the server's own directory; . is that itself.",
        ...IDS,
      ],
      flags: REMOTE,
      examples: ["sluice relocate films/2026 3f2a", "sluice relocate . 3f2a"],
    },
    {
      ...none,
      name: "limit",
      operands: "[RATE] [ID…]",
      choices: { ids: ["Queued", "Downloading", "Paused"] },
      summary: "Limit downloads, or the whole server",
      notes: [
        "RATE is in bytes a second, such as 500k, 2M or 1GB; none lifts a limit.",
        "Without an id, it is the server's, until that stops: see LIMIT_RATE.",
        ...IDS,
      ],
      flags: [
        flag(
          "per-host",
          null,
          "the server's for each origin host, without an id",
        ),
        flag(
          "max-downloads",
          "NUMBER",
          "how many of the server run at a time; none for no limit",
        ),
        ...REMOTE,
      ],
      examples: [
        "sluice limit 2M",
        "sluice limit --per-host 500k",
        "sluice limit --max-downloads 3",
        "sluice limit none 3f2a",
      ],
    },
    {
      ...none,
      name: "move",
      operands: "ID…",
      choices: { ids: ["Queued", "Paused"] },
      summary: "Move downloads in the queue",
      notes: [
        ...IDS,
        "Those of a higher priority begin before all that are moved.",
      ],
      flags: [
        flag(
          "to",
          "PLACE",
          "top, up, down, bottom, or a number: 1 is what begins next",
          { choices: PLACES },
        ),
        ...REMOTE,
      ],
      examples: ["sluice move 3f2a --to top", "sluice move 3f2a b7c1 --to 5"],
    },
    {
      ...none,
      name: "prioritize",
      operands: "PRIORITY ID…",
      choices: { ids: ["Queued", "Downloading", "Paused"] },
      summary: "Have downloads begin before others, or after them",
      notes: ["PRIORITY is high, normal or low.", ...IDS],
      flags: REMOTE,
      examples: ["sluice prioritize high 3f2a"],
    },
    {
      ...none,
      name: "remove",
      operands: "ID…",
      choices: { ids: [] },
      summary: "Remove downloads from a server's list",
      notes: IDS,
      flags: [
        flag("delete-file", null, "delete the finished file as well"),
        ...ALL("on the list"),
        flag("yes", null, "with --all: do not only say how many they are"),
        ...REMOTE,
      ],
      examples: [
        "sluice remove 3f2a",
        "sluice remove --delete-file 3f2a",
        "sluice remove --all --status Downloaded --yes",
      ],
    },
    {
      ...none,
      name: "verify",
      operands: "ID…",
      choices: { ids: ["Downloaded"] },
      summary: "Have a server read finished files again, by their checksums",
      notes: [
        ...IDS,
        "Exit code 1 if one is wrong, gone, or has no checksum.",
      ],
      flags: [
        flag("all", null, "all of which a checksum is known"),
        ...CHECKSUMS,
        ...REMOTE,
      ],
      examples: [
        "sluice verify 3f2a",
        "sluice verify --sha256 9f86d081… 3f2a",
        "sluice verify --all",
      ],
    },
    {
      ...none,
      name: "nodes",
      operands: "",
      summary: "List the servers that share a server's queue",
      flags: REMOTE,
      examples: ["sluice nodes", "sluice nodes --json"],
    },
    {
      ...none,
      name: "completions",
      operands: "bash|zsh|fish",
      choices: ["bash", "zsh", "fish"],
      summary: "Print a script that completes commands, flags and values",
      flags: [HELP],
      examples: [
        "sluice completions bash >> ~/.bashrc",
        'sluice completions zsh > "${fpath[1]}/_sluice"',
        "sluice completions fish > ~/.config/fish/completions/sluice.fish",
      ],
    },
    {
      ...none,
      name: "man",
      operands: "",
      summary: "Print the manual page",
      flags: [HELP],
      examples: [
        "sluice man | man -l -",
        "sluice man > ~/.local/share/man/man1/sluice.1",
      ],
    },
  ];
}
