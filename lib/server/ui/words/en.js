// @ts-check
/** The page in English: the words that the others are translations of. */

export const WORDS = /** @type {const} */ ({
  // Between texts that follow one another.
  "between.items": ", ",
  "between.sentences": " ",

  // Numbers.
  "unit.percent": "{count} %",
  "unit.speed": "{bytes}/s",
  "unit.second": "{count} s",
  "unit.minute": "{count} min",
  "unit.hour": "{count} h",
  "unit.day": "{count} d",
  "duration.pair": "{large} {small}",
  "duration.long": "over {count} d",
  "duration.left": "{duration} left",
  "moment": "{day}, {time}",
  "bytes": { one: "{count} byte", other: "{count} bytes" },
  "bytes.both": "{short} ({full})",
  "amount": "{part} of {whole}",
  "threads": { one: "{count} thread", other: "{count} threads" },
  "running": "{count} running",
  "waiting": "{count} waiting",
  "finished": "{count} finished",
  "failed": "{count} failed",

  // States of a download.
  "state.Queued": "Waiting",
  "state.Downloading": "Downloading",
  "state.Paused": "Paused",
  "state.Downloaded": "Finished",
  "state.Failed": "Failed",
  "state.since": "{state} {moment}",
  "again": "Trying again: {fault}",

  // What can be done with it.
  "action.pause": "Pause",
  "action.resume": "Resume",
  "action.retry": "Try again",
  "action.refresh": "New URL",
  "action.open": "Open",
  "action.save": "Save",
  "action.copy": "Copy file link",
  "action.source": "Copy URL",
  "action.sources": "Copy URLs",
  "action.remove": "Remove",

  // What has been done.
  "done.pause": "{count} paused",
  "done.resume": "{count} resumed",
  "done.retry": "{count} tried again",
  "done.remove": "{count} removed",
  "done.all": "{done}.",
  "done.some": "{done}; {count} left as they were.",
  "done.refreshed": "It goes on with the new URL.",
  "done.limited": "The speed limit is set.",
  "done.removed": "Removed {name}.",
  "copied.path": "Copied the file link.",
  "copied.urls": { one: "Copied the URL.", other: "Copied {count} URLs." },
  "copied.not": "The browser does not let this page copy.",

  // Head of the page.
  "title.left": "{count} to go",
  "title.lost": "Not connected",
  "skip": "Go to the list of downloads",
  "idle": "Idle",
  "timetable.off": "Timetable: full speed",
  "timetable.rate": "Timetable: at most {speed}",
  "timetable.pause": "Timetable: paused",
  "timetable.until": "{what} until {moment}",
  "room": "{bytes} free",
  "room.full": "Disk full: {bytes} free",
  "room.why":
    "On the server’s disk. Downloads may take {bytes} of it; MIN_FREE_SPACE keeps the rest.",
  "nodes": "Servers",
  "nodes.count": { one: "{count} server", other: "{count} servers" },
  "nodes.some": {
    one: "{heard} of {count} server",
    other: "{heard} of {count} servers",
  },
  "nodes.hint":
    "They share one queue: the next download goes to a server with free threads. A name leads to that server’s page.",
  "nodes.name": "Server",
  "nodes.state": "State",
  "nodes.room": "Room",
  "nodes.here": "this one",
  "nodes.there": "running",
  "nodes.draining": "stopping",
  "nodes.away": "not heard of",
  "tell": "Notify me when all is done",
  "tell.on": "You are notified when all is done, while this page is open.",
  "tell.denied":
    "The browser lets this page show no notifications: allow them in its settings for this site.",
  "tell.done": "All downloads are done",
  "language": "Language",
  "webhook": "What the webhook was told",
  "webhook.failing": "The webhook did not take what it was told last",
  "webhook.none": "Nothing yet.",
  "webhook.finished": "{name} has finished",
  "webhook.failed": "{name} has failed",
  "webhook.idle": "all have ended",
  "webhook.told": "told",
  "webhook.refused": "answered {status}",
  "webhook.silent": "no answer ({code})",
  "webhook.line": "{what}: {outcome}",
  "help": "Keyboard shortcuts",
  "help.title": "Keyboard shortcuts (?)",
  "logout": "Log out",

  // The connection to the server.
  "connection": "Connection",
  "connection.again": "Try now",
  "connection.old": "Not connected to the server: what you see may be old.",
  "connection.wait": "Trying again in {count} s.",
  "connection.now": "Trying again now.",
  "connection.lost": "The connection was lost.",
  "connection.none":
    "There is no connection to the server: try again when it is back.",
  "connection.ended": "Not connected to the server.",
  "connection.before":
    "Before the server, something answers with status {status}.",
  "connection.upgrade":
    "The server answers, but no WebSocket gets through to it: a proxy before it must hand on the headers Upgrade and Connection.",

  // Adding links.
  "add.links": "Links to download",
  "add.hint": "Paste or drop links",
  "add.drop": "Drop links to download them",
  "add.more": "More",
  "add.more.title": "Name, folder, checksum, headers …",
  "add.download": "Download",
  "add.clear": "Clear",
  "add.none": "There is no link in this: one begins with http:// or https://.",
  "add.looking": "Looking whether the list has this already …",
  "add.shared": "This came from another page: press Download if you want it.",
  "add.found": { one: "One link.", other: "{count} links." },
  "add.long": "The text is too long to be shown here.",
  "add.twice": {
    one: "One was there twice.",
    other: "{count} were there twice.",
  },
  "add.rejected": {
    one: "One line holds no link that can be fetched: “{line}”.",
    other: "{count} lines hold no link that can be fetched, such as “{line}”.",
  },
  "add.unread": {
    one: "“{name}” is not read: links come from text files of up to 4 MiB.",
    other:
      "{count} files are not read, such as “{name}”: links come from text files of up to 4 MiB.",
  },
  "add.added": { one: "Added one link.", other: "Added {count} links." },
  "add.known.only": "This link is in the list already: {names}.",
  "add.known": {
    one: "One of these links is in the list already: {names}.",
    other: "{count} of these links are in the list already: {names}.",
  },
  "add.known.many":
    "{count} of these links are in the list already, such as {names}.",
  "add.known.name": "{name} ({state})",
  "add.anyway": "Add anyway",
  "add.others": {
    one: "Add the other one",
    other: "Add the other {count}",
  },

  // Curl commands in place of links; {what} is a flag, or a sign.
  "curl.unknown":
    "curl’s {what} is not taken: leave it out if the file comes without it.",
  "curl.data": "curl’s {what} sends data, and Sluice only fetches.",
  "curl.method": "curl’s {what} does more than fetch, and Sluice only fetches.",
  "curl.insecure":
    "curl’s {what} would trust anybody: leave it out. Certificates are always checked.",
  "curl.file":
    "curl’s {what} names a file, which a page does not read: on the command line, sluice add takes -b FILE and --netrc.",
  "curl.value": "curl’s {what} needs a value, or another one.",
  "curl.path": "curl’s {what} takes a mere name here: the folder is in “More”.",
  "curl.host": "The header Host names another server than the link does.",
  "curl.pattern":
    "The link stands for several, as [1-9] does in curl: write them out, or add -g.",
  "curl.shell":
    "{what} is for a shell: paste the curl command alone, its link in quotes.",
  "curl.quote": "What begins with {what} has no end: paste all of the command.",
  "curl.cmd": "This is for Windows’ cmd: copy it as cURL (bash).",
  "curl.url": "There is no link in this curl command.",

  // More about these links.
  "options": "More about these links",
  "options.name": "Name",
  "options.name.hint": "As the site has it",
  "options.name.many": "A name is for one link; here are {count}.",
  "options.folder": "Folder",
  "options.folder.hint": "Such as films/2026",
  "options.checksum": "Checksum",
  "options.checksum.hint": "SHA-256, SHA-512, SHA-1 or MD5; auto looks for one",
  "options.checksum.many": "A checksum is for one link; here are {count}.",
  "options.checksum.wrong":
    "A checksum has 32 hexadecimal digits (MD5), 40 (SHA-1), 64 (SHA-256) or 128 (SHA-512); “auto” looks for one, and so does the URL of a file of them.",
  "options.headers": "Headers",
  "options.headers.hint": "Name: value",
  "options.headers.wrong":
    "Write each header once, on a line of its own, as Name: value.",
  "options.threads": "Threads at most",
  "options.threads.hint": "As many as are free",
  "options.threads.wrong":
    "The number of threads must be a whole number from 1.",
  "options.rate": "Speed at most",
  "options.rate.hint": "Not limited, or 500k, 2M",
  "options.rate.wrong":
    "Write the speed in bytes a second, from 1,000, such as 500k or 2M.",
  "options.sequential": "From front to back, to open it while it comes",
  "options.paused": "Do not begin yet",
  "options.bookmark":
    "Drag {child} to your bookmarks: on any page, it brings that page’s link here.",
  "options.bookmark.name": "Add to Sluice",

  // Above the list.
  "tabs": "Show",
  "tab.All": "All",
  "tab.Active": "Active",
  "tab.Paused": "Paused",
  "tab.Finished": "Finished",
  "tab.Failed": "Failed",
  "bulk.All": "Try all failed again",
  "bulk.Active": "Pause all",
  "bulk.Paused": "Resume all",
  "bulk.Finished": "Clear list",
  "bulk.Failed": "Try all again",
  "sort": "Sort by",
  "order.latest": "Latest first",
  "order.oldest": "Oldest first",
  "order.name": "Name, A to Z",
  "order.-name": "Name, Z to A",
  "order.-size": "Largest first",
  "order.size": "Smallest first",
  "order.-progress": "Most done first",
  "order.progress": "Least done first",
  "order.-speed": "Fastest first",
  "order.speed": "Slowest first",
  "search": "Search",
  "search.label": "Search names and URLs",

  // The list.
  "list": "Downloads",
  "column.name": "Name",
  "column.progress": "Progress",
  "column.size": "Size",
  "column.speed": "Speed",
  "column.left": "Time left",
  "column.threads": "Threads",
  "column.actions": "Actions",
  "select": "Select {name}",
  "select.all": "Select all",
  "select.all.title": "Select all (Ctrl+A)",
  "select.these": "Select all {count}",
  "select.none": "Select none",
  "select.none.title": "Select none (Esc)",
  "select.toolbar": "Selected downloads",
  "select.count": "{count} selected",
  "select.too.many": "More than {count} at once are too many here.",
  "nothing": "Nothing here yet",
  "nothing.text":
    "Paste a link above, or drop one anywhere on this page. Large files come in slices, over many connections at once.",
  "nothing.found": "Nothing matches",
  "nothing.found.text": "No download’s name or URL has “{search}” in it.",
  "nothing.in.All": "Nothing here yet",
  "nothing.in.Active": "Nothing is running",
  "nothing.in.Paused": "Nothing is paused",
  "nothing.in.Finished": "Nothing has finished",
  "nothing.in.Failed": "Nothing has failed",
  "nothing.in.text": "Downloads appear here when there are any.",
  "has.finished": "{name} has finished.",
  "has.failed": "{name} failed.",
  "have.ended": "{finished}, {failed}.",
  "notices": "Notices",
  "notices.dismiss": "Dismiss",

  // The details of a download.
  "detail.close": "Close details",
  "detail.close.title": "Close (Esc)",
  "detail.slices": "Slices",
  "detail.done": "done",
  "detail.thread": "a thread",
  "detail.missing": "missing",
  "detail.picture": "{percent} done, {threads}",
  "detail.threads": "Threads",
  "detail.threads.where": "where each is in the file",
  "detail.thread.at": "{at}, {rest} left",
  "detail.speed": "Speed",
  "detail.speed.peak": "up to {speed}",
  "detail.speed.span": "last {duration}",
  "detail.size": "Size",
  "detail.fetched": "Fetched",
  "detail.origin": "Origin",
  "detail.ranges": "gives ranges: many threads at once",
  "detail.no.ranges": "gives no ranges: one thread only",
  "detail.node": "Server",
  "detail.added": "Added",
  "detail.ended": "Ended",
  "detail.folder": "Folder",
  "detail.limit": "Speed limit",
  "detail.limit.none": "none",
  "detail.limit.change": "Change…",
  "detail.limit.server": "{own}; now that of the whole server holds it",
  "detail.limit.timetable": "{own}; now that of the timetable holds it",
  "detail.limit.host": "{own}; now that of its host holds it",
  "detail.checksum": "Checksum",
  "detail.checksum.given": "{name}, as it was given",
  "detail.checksum.found": "{name}, as {from} says",
  "detail.checksum.none": "looked for, none found",
  "detail.file": "File",
  "detail.url": "URL",

  // Questions before something is done.
  "remove": "Remove this download?",
  "remove.finished":
    "Only take it off the list, or delete the file from the disk too? A deleted file is gone for good.",
  "remove.unfinished":
    "It is not finished: the {bytes} that are here will be deleted.",
  "remove.queued": "It has not begun yet. It is taken off the list.",
  "remove.nothing": "{state}: nothing of it is here. It is taken off the list.",
  "remove.entry": "Take off the list",
  "remove.file": "Delete the file too",
  "remove.keep": "Keep it",
  "removal": {
    one: "Remove {count} download?",
    other: "Remove {count} downloads?",
  },
  "removal.found": "They are those with “{search}”.",
  "removal.unfinished": "What is here of unfinished ones will be deleted.",
  "removal.finished":
    "Finished files stay where they are, unless you delete them too: then they are gone for good.",
  "removal.files": "Delete the files too",
  "removal.keep": "Keep them",
  "refresh": "Give it a new URL",
  "refresh.text":
    "If the old link has expired, copy a new one from the site. What is here already is kept, if the file is still the same.",
  "refresh.field": "New URL",
  "refresh.format": "A link that begins with http:// or https://",
  "refresh.go": "Go on with it",
  "limit": "Limit the speed",
  "limit.field": "Speed at most; empty for no limit",
  "limit.go": "Set it",
  "cancel": "Cancel",
  "close": "Close",

  // The keyboard.
  "keys": "Keyboard",
  "keys.anywhere": "Anywhere",
  "keys.list": "In the list",
  "keys.hint": "Links can be pasted or dropped anywhere on the page.",
  "key.add": "Add links",
  "key.search": "Search",
  "key.tab": "All, active, paused, finished, failed",
  "key.help": "This list",
  "key.close": "Close",
  "key.next": "Next download",
  "key.previous": "Previous download",
  "key.first": "First download",
  "key.last": "Last download",
  "key.details": "Open or close details",
  "key.select": "Select; with the arrows, select more",
  "key.all": "Select all",
  "key.toggle": "Pause, resume or try again",
  "key.retry": "Try again",
  "key.refresh": "Give a new URL",
  "key.open": "Open the file",
  "key.save": "Save the file",
  "key.copy": "Copy the file link",
  "key.source": "Copy the URL",
  "key.remove": "Remove",

  // What is written on keys.
  "keyname.Ctrl": "Ctrl",
  "keyname.Del": "Del",
  "keyname.End": "End",
  "keyname.Enter": "Enter",
  "keyname.Esc": "Esc",
  "keyname.Home": "Home",
  "keyname.Shift": "Shift",
  "keyname.Space": "Space",

  // What can be done about an error, by its code.
  "advice.HOST_UNKNOWN":
    "Is the address spelled right, and this server online?",
  "advice.REFUSED": "The site may be down: try again later.",
  "advice.FORBIDDEN_ADDRESS":
    "This server was told to keep away from that address: use another link.",
  "advice.REDIRECT":
    "Open the link in a browser, and give the one that it ends at.",
  "advice.UNREADABLE":
    "The site answers wrongly: another mirror may do better.",
  "advice.BUSY": "The site asks for patience: try again in a while.",
  "advice.EXPIRED":
    "Links like this work only for a time, or only for whoever is signed in. Copy a new one from the site and give it here: what is there is kept.",
  "advice.ORIGIN_STATUS":
    "Check the link in a browser: the file may have moved.",
  "advice.ORIGIN_FAULT": "The trouble is on the site's side: try again later.",
  "advice.WRONG_RANGE":
    "The site answers wrongly: another mirror may do better.",
  "advice.CHANGED":
    "The file became another one meanwhile: try again to fetch it anew.",
  "advice.ENCODED":
    "The site alters the file on its way: another mirror may do better.",
  "advice.WEB_PAGE":
    "The site may want you to sign in or to click through: copy the link of the file itself.",
  "advice.CUT":
    "The connection broke: try again. If it breaks at the same place each time, use another mirror.",
  "advice.STALLED":
    "Nothing came for a while: try again, or use another mirror.",
  "advice.TOO_LONG": "The site answers wrongly: another mirror may do better.",
  "advice.WORKER": "That is a fault of this server: try again.",
  "advice.CHECKSUM":
    "Compare the checksum with the one on the site, then try again.",
  "advice.DISK_FULL": "Make room on the server's disk, then resume.",
  "advice.DISK": "Check that the server may write to its content directory.",
  "advice.PART_LOST":
    "Somebody removed the unfinished file: try again to begin anew.",
  "advice.TOO_MUCH": "Wait until some have finished, or send fewer at once.",

  // The login.
  "login": "Log in",
  "login.title": "Log in · Sluice",
  "login.token": "Access token",
  "login.failed":
    "That is not the token. Check for missing characters, and try again.",
  "login.hint": "Whoever started this server set it as {child}.",
});
