// @ts-check
/** The page in German. */

/** @import { Faults, Words } from "../words.js" */

/** @type {Words} */
export const WORDS = {
  "between.items": ", ",
  "between.sentences": " ",

  "unit.percent": "{count} %",
  "unit.speed": "{bytes}/s",
  "unit.second": "{count} s",
  "unit.minute": "{count} min",
  "unit.hour": "{count} h",
  "unit.day": { one: "{count} Tag", other: "{count} Tage" },
  "duration.pair": "{large} {small}",
  "duration.long": "über {count} Tage",
  "duration.left": "noch {duration}",
  "moment": "{day}, {time}",
  "bytes": { one: "{count} Byte", other: "{count} Byte" },
  "bytes.both": "{short} ({full})",
  "amount": "{part} von {whole}",
  "threads": { one: "{count} Thread", other: "{count} Threads" },
  "running": { one: "{count} läuft", other: "{count} laufen" },
  "waiting": { one: "{count} wartet", other: "{count} warten" },
  "finished": "{count} fertig",
  "failed": "{count} fehlgeschlagen",

  "state.Queued": "Wartet",
  "state.Downloading": "Lädt",
  "state.Paused": "Pausiert",
  "state.Downloaded": "Fertig",
  "state.Failed": "Fehlgeschlagen",
  "state.since": "{state} {moment}",
  "again": "Neuer Versuch: {fault}",

  "action.pause": "Pausieren",
  "action.resume": "Fortsetzen",
  "action.retry": "Erneut versuchen",
  "action.refresh": "Neue URL",
  "action.open": "Öffnen",
  "action.save": "Speichern",
  "action.copy": "Dateilink kopieren",
  "action.source": "URL kopieren",
  "action.sources": "URLs kopieren",
  "action.remove": "Entfernen",

  "done.pause": "{count} pausiert",
  "done.resume": "{count} fortgesetzt",
  "done.retry": "{count} erneut versucht",
  "done.remove": "{count} entfernt",
  "done.all": "{done}.",
  "done.some": {
    one: "{done}; {count} blieb, wie er war.",
    other: "{done}; {count} blieben, wie sie waren.",
  },
  "done.refreshed": "Es geht mit der neuen URL weiter.",
  "done.limited": "Das Tempolimit ist gesetzt.",
  "done.removed": "{name} entfernt.",
  "copied.path": "Dateilink kopiert.",
  "copied.urls": { one: "URL kopiert.", other: "{count} URLs kopiert." },
  "copied.not": "Der Browser erlaubt dieser Seite das Kopieren nicht.",

  "title.left": "noch {count}",
  "title.lost": "Nicht verbunden",
  "skip": "Zur Liste der Downloads",
  "idle": "Nichts zu tun",
  "timetable.off": "Zeitplan: volles Tempo",
  "timetable.rate": "Zeitplan: höchstens {speed}",
  "timetable.pause": "Zeitplan: Pause",
  "timetable.until": "{what} bis {moment}",
  "room": "{bytes} frei",
  "room.full": "Datenträger voll: {bytes} frei",
  "room.why":
    "Auf dem Datenträger des Servers. Downloads dürfen davon {bytes} belegen; MIN_FREE_SPACE hält den Rest frei.",
  "nodes": "Server",
  "nodes.count": { one: "{count} Server", other: "{count} Server" },
  "nodes.some": {
    one: "{heard} von {count} Server",
    other: "{heard} von {count} Servern",
  },
  "nodes.hint":
    "Sie teilen sich eine Warteschlange: Der nächste Download geht an einen Server mit freien Threads. Ein Name führt zur Seite dieses Servers.",
  "nodes.name": "Server",
  "nodes.state": "Zustand",
  "nodes.room": "Platz",
  "nodes.here": "dieser",
  "nodes.there": "läuft",
  "nodes.draining": "hört auf",
  "nodes.away": "nichts gehört",
  "tell": "Benachrichtigen, wenn alles fertig ist",
  "tell.on":
    "Sie werden benachrichtigt, wenn alles fertig ist, solange diese Seite offen ist.",
  "tell.denied":
    "Der Browser zeigt keine Benachrichtigungen dieser Seite: Erlauben Sie sie in seinen Einstellungen für diese Website.",
  "tell.done": "Alle Downloads sind fertig",
  "language": "Sprache",
  "webhook": "Was dem Webhook gemeldet wurde",
  "webhook.failing": "Der Webhook hat die letzte Meldung nicht angenommen",
  "webhook.none": "Noch nichts.",
  "webhook.finished": "{name} ist fertig",
  "webhook.failed": "{name} ist gescheitert",
  "webhook.idle": "alle sind am Ende",
  "webhook.told": "gemeldet",
  "webhook.refused": "Antwort {status}",
  "webhook.silent": "keine Antwort ({code})",
  "webhook.line": "{what}: {outcome}",
  "help": "Tastenkürzel",
  "help.title": "Tastenkürzel (?)",
  "logout": "Abmelden",

  "connection": "Verbindung",
  "connection.again": "Jetzt versuchen",
  "connection.old":
    "Keine Verbindung zum Server: Was Sie sehen, kann veraltet sein.",
  "connection.wait": "Neuer Versuch in {count} s.",
  "connection.now": "Neuer Versuch läuft.",
  "connection.lost": "Die Verbindung ist abgebrochen.",
  "connection.none":
    "Es gibt keine Verbindung zum Server: Versuchen Sie es erneut, sobald sie wieder besteht.",
  "connection.ended": "Keine Verbindung zum Server.",
  "connection.before":
    "Vor dem Server antwortet etwas anderes, mit Status {status}.",
  "connection.upgrade":
    "Der Server antwortet, aber kein WebSocket dringt zu ihm durch: Ein Proxy davor muss die Header Upgrade und Connection weitergeben.",

  "add.links": "Links zum Herunterladen",
  "add.hint": "Links einfügen",
  "add.drop": "Links zum Herunterladen hier ablegen",
  "add.more": "Mehr",
  "add.more.title": "Name, Ordner, Prüfsumme, Header …",
  "add.download": "Herunterladen",
  "add.clear": "Leeren",
  "add.none": "Hier ist kein Link: Ein Link beginnt mit http:// oder https://.",
  "add.looking": "Wird in der Liste gesucht …",
  "add.shared":
    "Das kam von einer anderen Seite: Klicken Sie auf „Herunterladen“, wenn Sie es möchten.",
  "add.found": { one: "Ein Link.", other: "{count} Links." },
  "add.long": "Der Text ist zu lang, um hier gezeigt zu werden.",
  "add.twice": {
    one: "Einer war doppelt.",
    other: "{count} waren doppelt.",
  },
  "add.rejected": {
    one: "Eine Zeile enthält keinen ladbaren Link: „{line}“.",
    other: "{count} Zeilen enthalten keinen ladbaren Link, etwa „{line}“.",
  },
  "add.unread": {
    one: "„{name}“ wird nicht gelesen: Links kommen aus Textdateien bis 4 MiB.",
    other:
      "{count} Dateien werden nicht gelesen, etwa „{name}“: Links kommen aus Textdateien bis 4 MiB.",
  },
  "add.added": {
    one: "Ein Link hinzugefügt.",
    other: "{count} Links hinzugefügt.",
  },
  "add.known.only": "Dieser Link ist schon in der Liste: {names}.",
  "add.known": {
    one: "Einer dieser Links ist schon in der Liste: {names}.",
    other: "{count} dieser Links sind schon in der Liste: {names}.",
  },
  "add.known.many":
    "{count} dieser Links sind schon in der Liste, etwa {names}.",
  "add.known.name": "{name} ({state})",
  "add.anyway": "Trotzdem hinzufügen",
  "add.others": {
    one: "Den anderen hinzufügen",
    other: "Die anderen {count} hinzufügen",
  },

  // Curl commands in place of links; {what} is a flag, or a sign.
  "curl.unknown":
    "{what} von curl wird nicht angenommen: weglassen, wenn die Datei auch ohne kommt.",
  "curl.data": "{what} von curl sendet Daten, und Sluice holt nur.",
  "curl.method": "{what} von curl tut mehr als holen, und Sluice holt nur.",
  "curl.insecure":
    "{what} von curl würde jedem trauen: weglassen. Zertifikate werden immer geprüft.",
  "curl.file":
    "{what} von curl nennt eine Datei, die eine Seite nicht liest: auf der Kommandozeile nimmt sluice add -b DATEI und --netrc.",
  "curl.value": "{what} von curl braucht einen Wert, oder einen anderen.",
  "curl.path":
    "{what} von curl nimmt hier nur einen Namen: der Ordner steht unter „Mehr“.",
  "curl.host": "Der Header Host nennt einen anderen Server als der Link.",
  "curl.pattern":
    "Der Link steht für mehrere, wie [1-9] bei curl: ausschreiben, oder -g dazusetzen.",
  "curl.shell":
    "{what} ist für eine Shell: den curl-Befehl allein einfügen, den Link in Anführungszeichen.",
  "curl.quote":
    "Was mit {what} beginnt, hat kein Ende: den ganzen Befehl einfügen.",
  "curl.cmd": "Das ist für cmd von Windows: als cURL (bash) kopieren.",
  "curl.url": "In diesem curl-Befehl ist kein Link.",

  "options": "Mehr zu diesen Links",
  "options.name": "Name",
  "options.name.hint": "Wie auf der Website",
  "options.name.many":
    "Ein Name gilt für einen einzigen Link; hier sind es {count}.",
  "options.folder": "Ordner",
  "options.folder.hint": "Etwa filme/2026",
  "options.checksum": "Prüfsumme",
  "options.checksum.hint": "SHA-256, SHA-512, SHA-1 oder MD5; auto sucht eine",
  "options.checksum.many":
    "Eine Prüfsumme gilt für einen einzigen Link; hier sind es {count}.",
  "options.checksum.wrong":
    "Eine Prüfsumme hat 32 Hexadezimalziffern (MD5), 40 (SHA-1), 64 (SHA-256) oder 128 (SHA-512); „auto“ sucht eine, und so die URL einer Datei mit ihnen.",
  "options.headers": "Header",
  "options.headers.hint": "Name: Wert",
  "options.headers.wrong":
    "Schreiben Sie jeden Header nur einmal, in eine eigene Zeile, als Name: Wert.",
  "options.threads": "Höchstens so viele Threads",
  "options.threads.hint": "So viele wie frei sind",
  "options.threads.wrong":
    "Die Zahl der Threads muss eine ganze Zahl ab 1 sein.",
  "options.rate": "Höchstens so schnell",
  "options.rate.hint": "Ohne Grenze, oder 500k, 2M",
  "options.rate.wrong":
    "Schreiben Sie das Tempo in Bytes pro Sekunde, ab 1.000, etwa 500k oder 2M.",
  "options.sequential": "Von vorn nach hinten, um sie schon vorher zu öffnen",
  "options.paused": "Noch nicht beginnen",
  "options.bookmark":
    "Ziehen Sie {child} in Ihre Lesezeichen: Auf jeder Seite bringt es deren Link hierher.",
  "options.bookmark.name": "Zu Sluice hinzufügen",

  "tabs": "Anzeigen",
  "tab.All": "Alle",
  "tab.Active": "Aktiv",
  "tab.Paused": "Pausiert",
  "tab.Finished": "Fertig",
  "tab.Failed": "Fehler",
  "bulk.All": "Fehler wiederholen",
  "bulk.Active": "Alle pausieren",
  "bulk.Paused": "Alle fortsetzen",
  "bulk.Finished": "Liste leeren",
  "bulk.Failed": "Alle erneut versuchen",
  "sort": "Sortieren nach",
  "order.latest": "Neueste zuerst",
  "order.oldest": "Älteste zuerst",
  "order.name": "Name, A bis Z",
  "order.-name": "Name, Z bis A",
  "order.-size": "Größte zuerst",
  "order.size": "Kleinste zuerst",
  "order.-progress": "Am weitesten",
  "order.progress": "Am wenigsten weit",
  "order.-speed": "Schnellste zuerst",
  "order.speed": "Langsamste zuerst",
  "search": "Suchen",
  "search.label": "Namen und URLs durchsuchen",

  "list": "Downloads",
  "column.name": "Name",
  "column.progress": "Fortschritt",
  "column.size": "Größe",
  "column.speed": "Tempo",
  "column.left": "Restzeit",
  "column.threads": "Threads",
  "column.actions": "Aktionen",
  "select": "{name} auswählen",
  "select.all": "Alle auswählen",
  "select.all.title": "Alle auswählen (Strg+A)",
  "select.these": "Alle {count} auswählen",
  "select.none": "Auswahl aufheben",
  "select.none.title": "Auswahl aufheben (Esc)",
  "select.toolbar": "Ausgewählte Downloads",
  "select.count": "{count} ausgewählt",
  "select.too.many": "Mehr als {count} auf einmal sind hier zu viele.",
  "nothing": "Noch nichts hier",
  "nothing.text":
    "Fügen Sie oben einen Link ein, oder ziehen Sie einen irgendwo auf diese Seite. Große Dateien kommen in Abschnitten, über viele Verbindungen zugleich.",
  "nothing.found": "Keine Treffer",
  "nothing.found.text":
    "Kein Name und keine URL eines Downloads enthält „{search}“.",
  "nothing.in.All": "Noch nichts hier",
  "nothing.in.Active": "Nichts läuft",
  "nothing.in.Paused": "Nichts ist pausiert",
  "nothing.in.Finished": "Nichts ist fertig",
  "nothing.in.Failed": "Nichts ist fehlgeschlagen",
  "nothing.in.text": "Downloads erscheinen hier, sobald es welche gibt.",
  "has.finished": "{name} ist fertig.",
  "has.failed": "{name} ist fehlgeschlagen.",
  "have.ended": "{finished}, {failed}.",
  "notices": "Meldungen",
  "notices.dismiss": "Schließen",

  "detail.close": "Details schließen",
  "detail.close.title": "Schließen (Esc)",
  "detail.slices": "Abschnitte",
  "detail.done": "fertig",
  "detail.thread": "ein Thread",
  "detail.missing": "fehlt",
  "detail.picture": "{percent} fertig, {threads}",
  "detail.threads": "Threads",
  "detail.threads.where": "wo jeder in der Datei ist",
  "detail.thread.at": "{at}, noch {rest}",
  "detail.speed": "Tempo",
  "detail.speed.peak": "bis {speed}",
  "detail.speed.span": "letzte {duration}",
  "detail.size": "Größe",
  "detail.fetched": "Geladen",
  "detail.origin": "Website",
  "detail.ranges": "liefert Teilbereiche: viele Threads zugleich",
  "detail.no.ranges": "liefert keine Teilbereiche: nur ein Thread",
  "detail.node": "Server",
  "detail.added": "Hinzugefügt",
  "detail.ended": "Beendet",
  "detail.folder": "Ordner",
  "detail.limit": "Tempolimit",
  "detail.limit.none": "keines",
  "detail.limit.change": "Ändern …",
  "detail.limit.server": "{own}; gerade gilt das des ganzen Servers",
  "detail.limit.timetable": "{own}; gerade gilt das des Zeitplans",
  "detail.limit.host": "{own}; gerade gilt das seines Hosts",
  "detail.checksum": "Prüfsumme",
  "detail.checksum.given": "{name}, wie angegeben",
  "detail.checksum.found": "{name}, nach {from}",
  "detail.checksum.none": "gesucht, keine gefunden",
  "detail.file": "Datei",
  "detail.url": "URL",

  "remove": "Diesen Download entfernen?",
  "remove.finished":
    "Nur aus der Liste nehmen, oder auch die Datei vom Datenträger löschen? Eine gelöschte Datei ist endgültig weg.",
  "remove.unfinished":
    "Er ist nicht fertig: Die {bytes}, die hier sind, werden gelöscht.",
  "remove.queued":
    "Er hat noch nicht begonnen. Er wird aus der Liste genommen.",
  "remove.nothing":
    "{state}: Hier ist nichts davon. Er wird aus der Liste genommen.",
  "remove.entry": "Aus der Liste nehmen",
  "remove.file": "Auch die Datei löschen",
  "remove.keep": "Behalten",
  "removal": {
    one: "{count} Download entfernen?",
    other: "{count} Downloads entfernen?",
  },
  "removal.found": "Es sind die mit „{search}“.",
  "removal.unfinished": "Was von unfertigen hier ist, wird gelöscht.",
  "removal.finished":
    "Fertige Dateien bleiben, wo sie sind, es sei denn, Sie löschen sie auch: Dann sind sie endgültig weg.",
  "removal.files": "Auch die Dateien löschen",
  "removal.keep": "Behalten",
  "refresh": "Neue URL angeben",
  "refresh.text":
    "Wenn der alte Link abgelaufen ist, kopieren Sie einen neuen von der Website. Was schon hier ist, bleibt, wenn die Datei noch dieselbe ist.",
  "refresh.field": "Neue URL",
  "refresh.format": "Ein Link, der mit http:// oder https:// beginnt",
  "refresh.go": "Damit fortsetzen",
  "limit": "Tempo begrenzen",
  "limit.field": "Höchstens so schnell; leer für kein Limit",
  "limit.go": "Festlegen",
  "cancel": "Abbrechen",
  "close": "Schließen",

  "keys": "Tastatur",
  "keys.anywhere": "Überall",
  "keys.list": "In der Liste",
  "keys.hint": "Links lassen sich überall auf der Seite einfügen oder ablegen.",
  "key.add": "Links hinzufügen",
  "key.search": "Suchen",
  "key.tab": "Alle, aktiv, pausiert, fertig, Fehler",
  "key.help": "Diese Übersicht",
  "key.close": "Schließen",
  "key.next": "Nächster Download",
  "key.previous": "Voriger Download",
  "key.first": "Erster Download",
  "key.last": "Letzter Download",
  "key.details": "Details öffnen oder schließen",
  "key.select": "Auswählen; mit den Pfeilen mehr auswählen",
  "key.all": "Alle auswählen",
  "key.toggle": "Pausieren, fortsetzen oder erneut versuchen",
  "key.retry": "Erneut versuchen",
  "key.refresh": "Neue URL angeben",
  "key.open": "Datei öffnen",
  "key.save": "Datei speichern",
  "key.copy": "Dateilink kopieren",
  "key.source": "URL kopieren",
  "key.remove": "Entfernen",

  "keyname.Ctrl": "Strg",
  "keyname.Del": "Entf",
  "keyname.End": "Ende",
  "keyname.Enter": "Eingabe",
  "keyname.Esc": "Esc",
  "keyname.Home": "Pos1",
  "keyname.Shift": "Umschalt",
  "keyname.Space": "Leer",

  "advice.HOST_UNKNOWN":
    "Ist die Adresse richtig geschrieben, und dieser Server online?",
  "advice.REFUSED":
    "Die Website ist vielleicht nicht erreichbar: Versuchen Sie es später erneut.",
  "advice.FORBIDDEN_ADDRESS":
    "Dieser Server soll sich von dieser Adresse fernhalten: Verwenden Sie einen anderen Link.",
  "advice.REDIRECT":
    "Öffnen Sie den Link im Browser, und geben Sie den an, bei dem er endet.",
  "advice.UNREADABLE":
    "Die Website antwortet falsch: Ein anderer Spiegelserver kann helfen.",
  "advice.BUSY":
    "Die Website bittet um Geduld: Versuchen Sie es nach einer Weile erneut.",
  "advice.EXPIRED":
    "Solche Links gelten nur eine Zeit lang oder nur für Angemeldete. Kopieren Sie einen neuen von der Website, und geben Sie ihn hier an: Was da ist, bleibt.",
  "advice.ORIGIN_STATUS":
    "Prüfen Sie den Link im Browser: Die Datei ist vielleicht umgezogen.",
  "advice.ORIGIN_FAULT":
    "Das Problem liegt bei der Website: Versuchen Sie es später erneut.",
  "advice.WRONG_RANGE":
    "Die Website antwortet falsch: Ein anderer Spiegelserver kann helfen.",
  "advice.CHANGED":
    "Die Datei hat sich inzwischen geändert: Versuchen Sie es erneut, um sie neu zu laden.",
  "advice.ENCODED":
    "Die Website verändert die Datei unterwegs: Ein anderer Spiegelserver kann helfen.",
  "advice.WEB_PAGE":
    "Die Website verlangt vielleicht eine Anmeldung oder weitere Klicks: Kopieren Sie den Link der Datei selbst.",
  "advice.CUT":
    "Die Verbindung ist abgebrochen: Versuchen Sie es erneut. Bricht sie immer an derselben Stelle ab, nehmen Sie einen anderen Spiegelserver.",
  "advice.STALLED":
    "Eine Weile kam nichts: Versuchen Sie es erneut oder mit einem anderen Spiegelserver.",
  "advice.TOO_LONG":
    "Die Website antwortet falsch: Ein anderer Spiegelserver kann helfen.",
  "advice.WORKER":
    "Das ist ein Fehler dieses Servers: Versuchen Sie es erneut.",
  "advice.CHECKSUM":
    "Vergleichen Sie die Prüfsumme mit der auf der Website, und versuchen Sie es dann erneut.",
  "advice.DISK_FULL":
    "Schaffen Sie Platz auf dem Datenträger des Servers, und setzen Sie dann fort.",
  "advice.DISK":
    "Prüfen Sie, ob der Server in sein Inhaltsverzeichnis schreiben darf.",
  "advice.PART_LOST":
    "Jemand hat die unfertige Datei entfernt: Versuchen Sie es erneut, um von vorn zu beginnen.",
  "advice.TOO_MUCH":
    "Warten Sie, bis einige fertig sind, oder senden Sie weniger auf einmal.",

  "login": "Anmelden",
  "login.title": "Anmelden · Sluice",
  "login.token": "Zugangstoken",
  "login.failed":
    "Das ist nicht das Token. Prüfen Sie, ob Zeichen fehlen, und versuchen Sie es erneut.",
  "login.hint": "Wer diesen Server gestartet hat, hat es als {child} gesetzt.",
};

/** @type {Faults} */
export const FAULTS = {
  BAD_REQUEST: "Die Anfrage ist ungültig",
  BAD_URL: "Der Link ist ungültig",
  FORBIDDEN: "Dieser Zugang darf das nicht",
  UNKNOWN_ID: "Diesen Download gibt es nicht mehr",
  WRONG_STATE: "Das geht in diesem Zustand nicht",
  FILE_GONE: "Die Datei ist nicht mehr da",
  TOO_MUCH: "Das ist zu viel auf einmal",
  HOST_UNKNOWN: "Die Website wurde nicht gefunden",
  REFUSED: "Die Website ist nicht erreichbar",
  PROXY: "Der Proxy stellt keine Verbindung her",
  PROXY_AUTH: "Der Proxy verlangt eine Anmeldung",
  TLS: "Die sichere Verbindung ist gescheitert",
  FORBIDDEN_ADDRESS: "Die Adresse ist nicht erlaubt",
  REDIRECT: "Die Weiterleitung führt nicht zur Datei",
  UNREADABLE: "Die Antwort der Website ist unlesbar",
  BUSY: "Die Website ist überlastet",
  EXPIRED: "Der Zugriff ist verweigert oder der Link abgelaufen",
  ORIGIN_STATUS: "Die Website liefert die Datei nicht",
  ORIGIN_FAULT: "Die Website meldet einen Fehler",
  NO_RANGES: "Die Website liefert keine Teilbereiche",
  WRONG_RANGE: "Die Website liefert einen falschen Teilbereich",
  CHANGED: "Die Datei hat sich geändert",
  ENCODED: "Die Website hat die Datei umkodiert",
  WEB_PAGE: "Statt der Datei kam eine Webseite",
  CUT: "Die Verbindung ist abgebrochen",
  STALLED: "Es kommt nichts mehr",
  TOO_LONG: "Die Website liefert mehr als angekündigt",
  WORKER: "Ein Worker dieses Servers ist ausgefallen",
  TOO_MANY_FILES: "Zu viele Dateien sind geöffnet",
  CHECKSUM: "Die Prüfsumme stimmt nicht",
  DISK_FULL: "Der Datenträger ist voll",
  FILE_TOO_LARGE: "Die Datei ist zu groß für das Dateisystem",
  DISK: "Das Inhaltsverzeichnis ist nicht benutzbar",
  PART_LOST: "Die unfertige Datei ist verschwunden",
  STATE: "Der Zustand lässt sich nicht speichern",
  INTERNAL: "Interner Fehler von Sluice",
};
