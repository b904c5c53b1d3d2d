/** What users of curl, wget, aria2c and axel type, and what it is here. Pure. */

/**
 * A flag of another tool. A letter that means one thing in one tool and another
 * thing in the next is not among them, unless its value tells which.
 */
export interface Habit {
  /** As typed, with the dashes; all that mean the same. */
  readonly typed: readonly string[];
  /**
   * What must follow, right behind a letter (`-x8`) or as the next word, before
   * which a space is put here; null if the flag takes no value.
   */
  readonly value: RegExp | null;
  readonly means: Meaning;
}

/** What a flag of another tool is here. */
export type Meaning =
  /** What Sluice does by itself. */
  | { readonly kind: "anyway" }
  /** A flag of Sluice's: the first of these that the command has. */
  | {
    readonly kind: "flag";
    readonly names: readonly string[];
    /** What goes before the value. */
    readonly prefix: string;
  }
  /** Nothing; `why` says what to do instead. */
  | { readonly kind: "none"; readonly why: string };

const ANY = /^ ?./s;
/** Standard output; or, in curl's `-C -`, where it was. */
const DASH = /^ ?-$/;
const NUMBER = /^ ?\d+$/;
/** Not the URL that follows in curl's `-O URL`, nor another flag. */
const NAME = /^ (?!-|\w+:\/\/)/;
/** What a form sends, in curl's `-d`. */
const FORM = /^ ?[^/]*[=@{]/;

const ANYWAY: Meaning = { kind: "anyway" };

function flag(names: string | readonly string[], prefix = ""): Meaning {
  return { kind: "flag", names: [names].flat(), prefix };
}

function none(why: string): Meaning {
  return { kind: "none", why };
}

function habit(typed: string, value: RegExp | null, means: Meaning): Habit {
  return { typed: typed.split(" "), value, means };
}

const THREADS = flag(["threads-amount", "threads"]);

/** All that is known; of those with the same flag, the first that fits counts. */
export const HABITS: readonly Habit[] = [
  habit("-O", DASH, none("Sluice writes files, not to standard output.")),
  habit("-O", NAME, none("a name is -o NAME; a URL needs its https:// here.")),
  habit("-O --remote-name --remote-name-all", null, ANYWAY),
  habit("-J --remote-header-name --content-disposition", null, ANYWAY),
  habit("-c --continue", null, ANYWAY),
  habit("-C --continue-at", DASH, ANYWAY),
  habit(
    "-C --continue-at",
    ANY,
    none("Sluice goes on where it was, not at an offset."),
  ),
  habit("-L --location -f --fail -S --show-error", null, ANYWAY),
  habit("-Z --parallel -# --progress-bar", null, ANYWAY),
  habit("--out --output-document", ANY, flag("output")),
  habit("-d", FORM, none("Sluice sends no data; a directory is -P DIR.")),
  habit(
    "-d -P --dir --directory-prefix --output-dir",
    ANY,
    flag(["content-directory", "directory"]),
  ),
  habit("-x -s -n", NUMBER, THREADS),
  habit(
    "--max-connection-per-server --split --num-connections",
    ANY,
    THREADS,
  ),
  habit("-s --silent", null, flag("quiet")),
  habit(
    "-x --all-proxy --http-proxy --https-proxy",
    ANY,
    none(
      "proxies are named by http_proxy, https_proxy and all_proxy, or are one " +
        "of CONFIG_FILE's: --proxy NAME.",
    ),
  ),
  habit(
    "-j --max-concurrent-downloads --parallel-max",
    ANY,
    flag("max-downloads"),
  ),
  habit(
    "-k --min-split-size",
    /^ ?\d+[kmg]?$/i,
    none("slices adapt; --bytes-amount is the most that one has."),
  ),
  habit(
    "-k --insecure --no-check-certificate",
    null,
    none("certificates are always checked; --ca-file trusts one more."),
  ),
  habit(
    "--max-download-limit --max-overall-download-limit",
    ANY,
    flag("limit-rate"),
  ),
  habit("-R", null, flag("remote-time")),
  habit("--conditional-get", null, flag("timestamping")),
  habit("-nc", null, flag("skip-existing")),
  habit(
    "--no-clobber",
    null,
    none("Sluice never overwrites; --skip-existing leaves out what is there."),
  ),
  habit("-g --globoff", null, flag("no-glob")),
  habit("-t --tries --max-tries --retry", ANY, flag("attempts")),
  habit("-A --user-agent", ANY, flag("header", "User-Agent: ")),
  habit("-e --referer", ANY, flag("header", "Referer: ")),
  habit("--load-cookies", ANY, flag("cookie")),
  habit(
    "-u --user --http-user",
    ANY,
    none("write https://name:password@host/, or use --netrc."),
  ),
  habit("--cacert --ca-certificate", ANY, flag("ca-file")),
  habit("--cert --certificate", ANY, flag("client-cert")),
  habit("--key --private-key", ANY, flag("client-key")),
  habit(
    "--checksum",
    ANY,
    none("the digest is --sha256 DIGEST (or --sha512, --sha1, --md5)."),
  ),
  habit("--recursive", null, none("Sluice fetches files, not sites.")),
];

/**
 * What a flag of another tool is, by what follows it; undefined if nothing does
 * that fits.
 *
 * @param follows The value right behind the flag, or a space and the next word.
 */
export function habitFor(
  habits: readonly Habit[],
  typed: string,
  follows: string,
): Habit | undefined {
  return habits.find((habit) =>
    habit.typed.includes(typed) && (habit.value?.test(follows) ?? true)
  );
}
