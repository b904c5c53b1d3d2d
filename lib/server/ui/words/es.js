// @ts-check
/** The page in Spanish. */

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
  "unit.day": "{count} d",
  "duration.pair": "{large} {small}",
  "duration.long": "más de {count} d",
  "duration.left": "faltan {duration}",
  "moment": "{day}, {time}",
  "bytes": {
    one: "{count} byte",
    many: "{count} bytes",
    other: "{count} bytes",
  },
  "bytes.both": "{short} ({full})",
  "amount": "{part} de {whole}",
  "threads": {
    one: "{count} hilo",
    many: "{count} hilos",
    other: "{count} hilos",
  },
  "running": "{count} en curso",
  "waiting": "{count} en cola",
  "finished": {
    one: "{count} terminada",
    many: "{count} terminadas",
    other: "{count} terminadas",
  },
  "failed": {
    one: "{count} fallida",
    many: "{count} fallidas",
    other: "{count} fallidas",
  },

  "state.Queued": "En cola",
  "state.Downloading": "Descargando",
  "state.Paused": "En pausa",
  "state.Downloaded": "Terminada",
  "state.Failed": "Fallida",
  "state.since": "{state} {moment}",
  "again": "Nuevo intento: {fault}",

  "action.pause": "Pausar",
  "action.resume": "Reanudar",
  "action.retry": "Reintentar",
  "action.refresh": "URL nueva",
  "action.open": "Abrir",
  "action.save": "Guardar",
  "action.copy": "Copiar enlace del archivo",
  "action.source": "Copiar URL",
  "action.sources": "Copiar URL",
  "action.remove": "Quitar",

  "done.pause": {
    one: "{count} pausada",
    many: "{count} pausadas",
    other: "{count} pausadas",
  },
  "done.resume": {
    one: "{count} reanudada",
    many: "{count} reanudadas",
    other: "{count} reanudadas",
  },
  "done.retry": {
    one: "{count} reintentada",
    many: "{count} reintentadas",
    other: "{count} reintentadas",
  },
  "done.remove": {
    one: "{count} quitada",
    many: "{count} quitadas",
    other: "{count} quitadas",
  },
  "done.all": "{done}.",
  "done.some": {
    one: "{done}; {count} quedó como estaba.",
    many: "{done}; {count} quedaron como estaban.",
    other: "{done}; {count} quedaron como estaban.",
  },
  "done.refreshed": "Continúa con la URL nueva.",
  "done.limited": "El límite de velocidad está fijado.",
  "done.removed": "Se quitó {name}.",
  "copied.path": "Enlace del archivo copiado.",
  "copied.urls": {
    one: "URL copiada.",
    many: "{count} URL copiadas.",
    other: "{count} URL copiadas.",
  },
  "copied.not": "El navegador no permite copiar a esta página.",

  "title.left": {
    one: "{count} pendiente",
    many: "{count} pendientes",
    other: "{count} pendientes",
  },
  "title.lost": "Sin conexión",
  "skip": "Ir a la lista de descargas",
  "idle": "Sin actividad",
  "room": "{bytes} libres",
  "room.full": "Disco lleno: {bytes} libres",
  "room.why":
    "En el disco del servidor. Las descargas pueden ocupar {bytes}; MIN_FREE_SPACE reserva el resto.",
  "nodes": "Servidores",
  "nodes.count": {
    one: "{count} servidor",
    many: "{count} de servidores",
    other: "{count} servidores",
  },
  "nodes.some": {
    one: "{heard} de {count} servidor",
    many: "{heard} de {count} de servidores",
    other: "{heard} de {count} servidores",
  },
  "nodes.hint":
    "Comparten una cola: la siguiente descarga va a un servidor con hilos libres. Un nombre lleva a la página de ese servidor.",
  "nodes.name": "Servidor",
  "nodes.state": "Estado",
  "nodes.room": "Espacio",
  "nodes.here": "este",
  "nodes.there": "en marcha",
  "nodes.draining": "terminando",
  "nodes.away": "sin noticias",
  "tell": "Avisarme cuando todo termine",
  "tell.on":
    "Recibirá un aviso cuando todo termine, mientras esta página esté abierta.",
  "tell.denied":
    "El navegador no permite notificaciones de esta página: actívelas en sus ajustes para este sitio.",
  "tell.done": "Todas las descargas han terminado",
  "language": "Idioma",
  "help": "Atajos de teclado",
  "help.title": "Atajos de teclado (?)",
  "logout": "Cerrar sesión",

  "connection": "Conexión",
  "connection.again": "Intentar ahora",
  "connection.old":
    "Sin conexión con el servidor: lo que ve puede estar desactualizado.",
  "connection.wait": "Nuevo intento en {count} s.",
  "connection.now": "Intentándolo de nuevo.",
  "connection.lost": "Se perdió la conexión.",
  "connection.none":
    "No hay conexión con el servidor: inténtelo cuando vuelva.",
  "connection.ended": "Sin conexión con el servidor.",
  "connection.before":
    "Delante del servidor, otra cosa responde con el estado {status}.",
  "connection.upgrade":
    "El servidor responde, pero ningún WebSocket llega hasta él: el proxy que tiene delante debe transmitir las cabeceras Upgrade y Connection.",

  "add.links": "Enlaces para descargar",
  "add.hint": "Pegue enlaces",
  "add.drop": "Suelte enlaces para descargarlos",
  "add.more": "Más",
  "add.more.title": "Nombre, carpeta, suma de comprobación, cabeceras…",
  "add.download": "Descargar",
  "add.clear": "Vaciar",
  "add.none": "Aquí no hay ningún enlace: empiezan por http:// o https://.",
  "add.looking": "Comprobando si ya está en la lista…",
  "add.shared": "Esto vino de otra página: pulse Descargar si lo quiere.",
  "add.found": {
    one: "Un enlace.",
    many: "{count} enlaces.",
    other: "{count} enlaces.",
  },
  "add.long": "El texto es demasiado largo para mostrarlo aquí.",
  "add.twice": {
    one: "Uno estaba repetido.",
    many: "{count} estaban repetidos.",
    other: "{count} estaban repetidos.",
  },
  "add.rejected": {
    one: "Una línea no tiene ningún enlace que se pueda descargar: «{line}».",
    many:
      "{count} líneas no tienen ningún enlace que se pueda descargar, como «{line}».",
    other:
      "{count} líneas no tienen ningún enlace que se pueda descargar, como «{line}».",
  },
  "add.unread": {
    one:
      "«{name}» no se lee: los enlaces se toman de archivos de texto de hasta 4 MiB.",
    many:
      "{count} archivos no se leen, como «{name}»: los enlaces se toman de archivos de texto de hasta 4 MiB.",
    other:
      "{count} archivos no se leen, como «{name}»: los enlaces se toman de archivos de texto de hasta 4 MiB.",
  },
  "add.added": {
    one: "Un enlace añadido.",
    many: "{count} enlaces añadidos.",
    other: "{count} enlaces añadidos.",
  },
  "add.known.only": "Este enlace ya está en la lista: {names}.",
  "add.known": {
    one: "Uno de estos enlaces ya está en la lista: {names}.",
    many: "{count} de estos enlaces ya están en la lista: {names}.",
    other: "{count} de estos enlaces ya están en la lista: {names}.",
  },
  "add.known.many":
    "{count} de estos enlaces ya están en la lista, como {names}.",
  "add.known.name": "{name} ({state})",
  "add.anyway": "Añadir de todos modos",
  "add.others": {
    one: "Añadir el otro",
    many: "Añadir los otros {count}",
    other: "Añadir los otros {count}",
  },

  // Curl commands in place of links; {what} is a flag, or a sign.
  "curl.unknown":
    "{what} de curl no se acepta: quítelo si el archivo llega sin él.",
  "curl.data": "{what} de curl envía datos, y Sluice solo descarga.",
  "curl.method":
    "{what} de curl hace más que descargar, y Sluice solo descarga.",
  "curl.insecure":
    "{what} de curl confiaría en cualquiera: quítelo. Los certificados se comprueban siempre.",
  "curl.file":
    "{what} de curl nombra un archivo, que una página no lee: en la línea de órdenes, sluice add acepta -b ARCHIVO y --netrc.",
  "curl.value": "{what} de curl necesita un valor, u otro.",
  "curl.path":
    "{what} de curl solo acepta aquí un nombre: la carpeta está en «Más».",
  "curl.host": "La cabecera Host nombra otro servidor que el enlace.",
  "curl.pattern":
    "El enlace vale por varios, como [1-9] en curl: escríbalos todos, o añada -g.",
  "curl.shell":
    "{what} es para un intérprete: pegue solo la orden de curl, con el enlace entre comillas.",
  "curl.quote": "Lo que empieza con {what} no termina: pegue la orden entera.",
  "curl.cmd": "Esto es para cmd de Windows: cópielo como cURL (bash).",
  "curl.url": "No hay ningún enlace en esta orden de curl.",

  "options": "Más sobre estos enlaces",
  "options.name": "Nombre",
  "options.name.hint": "El que da el sitio",
  "options.name.many": "Un nombre es para un solo enlace; aquí hay {count}.",
  "options.folder": "Carpeta",
  "options.folder.hint": "Por ejemplo, cine/2026",
  "options.checksum": "Suma de comprobación",
  "options.checksum.hint": "SHA-256, SHA-512, SHA-1 o MD5; auto busca una",
  "options.checksum.many":
    "Una suma de comprobación es para un solo enlace; aquí hay {count}.",
  "options.checksum.wrong":
    "Una suma de comprobación tiene 32 cifras hexadecimales (MD5), 40 (SHA-1), 64 (SHA-256) o 128 (SHA-512); «auto» busca una, y también la URL de un archivo que las tenga.",
  "options.headers": "Cabeceras",
  "options.headers.hint": "Nombre: valor",
  "options.headers.wrong":
    "Escriba cada cabecera una sola vez, en su propia línea, como Nombre: valor.",
  "options.threads": "Máximo de hilos",
  "options.threads.hint": "Tantos como haya libres",
  "options.threads.wrong":
    "El número de hilos debe ser un entero a partir de 1.",
  "options.rate": "Velocidad máxima",
  "options.rate.hint": "Sin límite, o 500k, 2M",
  "options.rate.wrong":
    "Escriba la velocidad en bytes por segundo, desde 1000, como 500k o 2M.",
  "options.sequential": "De principio a fin, para abrirlo mientras llega",
  "options.paused": "No empezar todavía",
  "options.bookmark":
    "Arrastre {child} a sus marcadores: en cualquier página, trae aquí su enlace.",
  "options.bookmark.name": "Añadir a Sluice",

  "tabs": "Mostrar",
  "tab.All": "Todas",
  "tab.Active": "Activas",
  "tab.Paused": "Pausa",
  "tab.Finished": "Listas",
  "tab.Failed": "Fallos",
  "bulk.All": "Reintentar las fallidas",
  "bulk.Active": "Pausar todas",
  "bulk.Paused": "Reanudar todas",
  "bulk.Finished": "Vaciar la lista",
  "bulk.Failed": "Reintentar todas",
  "sort": "Ordenar por",
  "order.latest": "Más recientes",
  "order.oldest": "Más antiguas",
  "order.name": "Nombre, de la A a la Z",
  "order.-name": "Nombre, de la Z a la A",
  "order.-size": "Más grandes",
  "order.size": "Más pequeñas",
  "order.-progress": "Más avanzadas",
  "order.progress": "Menos avanzadas",
  "order.-speed": "Más rápidas",
  "order.speed": "Más lentas",
  "search": "Buscar",
  "search.label": "Buscar en nombres y URL",

  "list": "Descargas",
  "column.name": "Nombre",
  "column.progress": "Progreso",
  "column.size": "Tamaño",
  "column.speed": "Velocidad",
  "column.left": "Restante",
  "column.threads": "Hilos",
  "column.actions": "Acciones",
  "select": "Seleccionar {name}",
  "select.all": "Seleccionar todas",
  "select.all.title": "Seleccionar todas (Ctrl+A)",
  "select.these": "Seleccionar las {count}",
  "select.none": "Anular selección",
  "select.none.title": "Anular selección (Esc)",
  "select.toolbar": "Descargas seleccionadas",
  "select.count": {
    one: "{count} seleccionada",
    many: "{count} seleccionadas",
    other: "{count} seleccionadas",
  },
  "select.too.many": "Más de {count} a la vez son demasiadas aquí.",
  "nothing": "Aún no hay nada",
  "nothing.text":
    "Pegue un enlace arriba o suéltelo en cualquier parte de esta página. Los archivos grandes llegan en fragmentos, por muchas conexiones a la vez.",
  "nothing.found": "Sin resultados",
  "nothing.found.text": "Ninguna descarga tiene «{search}» en su nombre o URL.",
  "nothing.in.All": "Aún no hay nada",
  "nothing.in.Active": "No hay nada en curso",
  "nothing.in.Paused": "No hay nada en pausa",
  "nothing.in.Finished": "No ha terminado ninguna",
  "nothing.in.Failed": "No ha fallado ninguna",
  "nothing.in.text": "Las descargas aparecen aquí cuando las hay.",
  "has.finished": "{name} ha terminado.",
  "has.failed": "{name} ha fallado.",
  "have.ended": "{finished}, {failed}.",
  "notices": "Avisos",
  "notices.dismiss": "Descartar",

  "detail.close": "Cerrar detalles",
  "detail.close.title": "Cerrar (Esc)",
  "detail.slices": "Fragmentos",
  "detail.done": "hecho",
  "detail.thread": "un hilo",
  "detail.missing": "falta",
  "detail.picture": "{percent} hecho, {threads}",
  "detail.threads": "Hilos",
  "detail.threads.where": "dónde está cada uno en el archivo",
  "detail.thread.at": "{at}, faltan {rest}",
  "detail.speed": "Velocidad",
  "detail.speed.peak": "hasta {speed}",
  "detail.speed.span": "últimos {duration}",
  "detail.size": "Tamaño",
  "detail.fetched": "Descargado",
  "detail.origin": "Origen",
  "detail.ranges": "admite rangos: muchos hilos a la vez",
  "detail.no.ranges": "no admite rangos: un solo hilo",
  "detail.node": "Servidor",
  "detail.added": "Añadida",
  "detail.ended": "Acabada",
  "detail.folder": "Carpeta",
  "detail.limit": "Límite de velocidad",
  "detail.limit.none": "ninguno",
  "detail.limit.change": "Cambiar…",
  "detail.limit.server": "{own}; ahora rige el de todo el servidor",
  "detail.limit.host": "{own}; ahora rige el de su host",
  "detail.checksum": "Suma de comprobación",
  "detail.checksum.given": "{name}, como se indicó",
  "detail.checksum.found": "{name}, según {from}",
  "detail.checksum.none": "buscada, no se encontró",
  "detail.file": "Archivo",
  "detail.url": "URL",

  "remove": "¿Quitar esta descarga?",
  "remove.finished":
    "¿Solo quitarla de la lista, o borrar también el archivo del disco? Un archivo borrado no se puede recuperar.",
  "remove.unfinished":
    "No ha terminado: se borrarán los {bytes} que ya están aquí.",
  "remove.queued": "Aún no ha empezado. Se quita de la lista.",
  "remove.nothing": "{state}: no hay nada de ella aquí. Se quita de la lista.",
  "remove.entry": "Quitar de la lista",
  "remove.file": "Borrar también el archivo",
  "remove.keep": "Conservar",
  "removal": {
    one: "¿Quitar {count} descarga?",
    many: "¿Quitar {count} descargas?",
    other: "¿Quitar {count} descargas?",
  },
  "removal.found": "Son las que contienen «{search}».",
  "removal.unfinished": "Se borrará lo que haya aquí de las no terminadas.",
  "removal.finished":
    "Los archivos terminados se quedan donde están, salvo que los borre también: entonces no se pueden recuperar.",
  "removal.files": "Borrar también los archivos",
  "removal.keep": "Conservar",
  "refresh": "Indicar una URL nueva",
  "refresh.text":
    "Si el enlace anterior ha caducado, copie uno nuevo del sitio. Lo que ya está aquí se conserva, si el archivo sigue siendo el mismo.",
  "refresh.field": "URL nueva",
  "refresh.format": "Un enlace que empiece por http:// o https://",
  "refresh.go": "Continuar con ella",
  "limit": "Limitar la velocidad",
  "limit.field": "Velocidad máxima; vacío para no limitar",
  "limit.go": "Fijar",
  "cancel": "Cancelar",
  "close": "Cerrar",

  "keys": "Teclado",
  "keys.anywhere": "En toda la página",
  "keys.list": "En la lista",
  "keys.hint":
    "Se pueden pegar o soltar enlaces en cualquier parte de la página.",
  "key.add": "Añadir enlaces",
  "key.search": "Buscar",
  "key.tab": "Todas, activas, pausa, listas, fallos",
  "key.help": "Esta lista",
  "key.close": "Cerrar",
  "key.next": "Descarga siguiente",
  "key.previous": "Descarga anterior",
  "key.first": "Primera descarga",
  "key.last": "Última descarga",
  "key.details": "Abrir o cerrar los detalles",
  "key.select": "Seleccionar; con las flechas, seleccionar más",
  "key.all": "Seleccionar todas",
  "key.toggle": "Pausar, reanudar o reintentar",
  "key.retry": "Reintentar",
  "key.refresh": "Indicar una URL nueva",
  "key.open": "Abrir el archivo",
  "key.save": "Guardar el archivo",
  "key.copy": "Copiar el enlace del archivo",
  "key.source": "Copiar la URL",
  "key.remove": "Quitar",

  "keyname.Ctrl": "Ctrl",
  "keyname.Del": "Supr",
  "keyname.End": "Fin",
  "keyname.Enter": "Intro",
  "keyname.Esc": "Esc",
  "keyname.Home": "Inicio",
  "keyname.Shift": "Mayús",
  "keyname.Space": "Espacio",

  "advice.HOST_UNKNOWN":
    "¿Está bien escrita la dirección, y tiene conexión este servidor?",
  "advice.REFUSED":
    "Puede que el sitio no esté disponible: inténtelo más tarde.",
  "advice.FORBIDDEN_ADDRESS":
    "Este servidor tiene prohibida esa dirección: use otro enlace.",
  "advice.REDIRECT":
    "Abra el enlace en un navegador e indique aquel en el que acaba.",
  "advice.UNREADABLE":
    "El sitio responde mal: quizá otro servidor espejo vaya mejor.",
  "advice.BUSY": "El sitio pide paciencia: inténtelo dentro de un rato.",
  "advice.EXPIRED":
    "Los enlaces como este solo valen un tiempo, o solo para quien ha iniciado sesión. Copie uno nuevo del sitio e indíquelo aquí: lo que ya hay se conserva.",
  "advice.ORIGIN_STATUS":
    "Compruebe el enlace en un navegador: puede que el archivo se haya movido.",
  "advice.ORIGIN_FAULT": "El problema es del sitio: inténtelo más tarde.",
  "advice.WRONG_RANGE":
    "El sitio responde mal: quizá otro servidor espejo vaya mejor.",
  "advice.CHANGED":
    "El archivo ha cambiado entretanto: reinténtelo para descargarlo de nuevo.",
  "advice.ENCODED":
    "El sitio altera el archivo por el camino: quizá otro servidor espejo vaya mejor.",
  "advice.WEB_PAGE":
    "Puede que el sitio pida iniciar sesión o pulsar algo más: copie el enlace del propio archivo.",
  "advice.CUT":
    "La conexión se cortó: reinténtelo. Si siempre se corta en el mismo punto, use otro servidor espejo.",
  "advice.STALLED":
    "No llegó nada durante un rato: reinténtelo o use otro servidor espejo.",
  "advice.TOO_LONG":
    "El sitio responde mal: quizá otro servidor espejo vaya mejor.",
  "advice.WORKER": "Es un fallo de este servidor: reinténtelo.",
  "advice.CHECKSUM":
    "Compare la suma de comprobación con la del sitio y reinténtelo.",
  "advice.DISK_FULL":
    "Libere espacio en el disco del servidor y reanude la descarga.",
  "advice.DISK":
    "Compruebe que el servidor puede escribir en su directorio de contenido.",
  "advice.PART_LOST":
    "Alguien quitó el archivo sin terminar: reinténtelo para empezar de nuevo.",
  "advice.TOO_MUCH": "Espere a que terminen algunas, o envíe menos de una vez.",

  "login": "Iniciar sesión",
  "login.title": "Iniciar sesión · Sluice",
  "login.token": "Token de acceso",
  "login.failed":
    "Ese no es el token. Compruebe si falta algún carácter e inténtelo de nuevo.",
  "login.hint": "Quien inició este servidor lo definió como {child}.",
};

/** @type {Faults} */
export const FAULTS = {
  BAD_REQUEST: "La petición no es válida",
  BAD_URL: "El enlace no es válido",
  FORBIDDEN: "Este acceso no lo permite",
  UNKNOWN_ID: "Esa descarga ya no existe",
  WRONG_STATE: "No es posible en este estado",
  FILE_GONE: "El archivo ya no está",
  TOO_MUCH: "Es demasiado de una vez",
  HOST_UNKNOWN: "No se encuentra el sitio",
  REFUSED: "No se puede conectar con el sitio",
  PROXY: "El proxy no logra conectar",
  PROXY_AUTH: "El proxy pide credenciales",
  TLS: "Falló la conexión segura",
  FORBIDDEN_ADDRESS: "La dirección no está permitida",
  REDIRECT: "La redirección no lleva al archivo",
  UNREADABLE: "La respuesta del sitio es ilegible",
  BUSY: "El sitio está saturado",
  EXPIRED: "Acceso denegado o enlace caducado",
  ORIGIN_STATUS: "El sitio no entrega el archivo",
  ORIGIN_FAULT: "El sitio comunica un error",
  NO_RANGES: "El sitio no admite rangos",
  WRONG_RANGE: "El sitio entrega un rango equivocado",
  CHANGED: "El archivo ha cambiado",
  ENCODED: "El sitio ha recodificado el archivo",
  WEB_PAGE: "En vez del archivo llegó una página web",
  CUT: "La conexión se cortó",
  STALLED: "Ya no llega nada",
  TOO_LONG: "El sitio envía más de lo anunciado",
  WORKER: "Falló un proceso de este servidor",
  TOO_MANY_FILES: "Hay demasiados archivos abiertos",
  CHECKSUM: "La suma de comprobación no coincide",
  DISK_FULL: "El disco está lleno",
  FILE_TOO_LARGE: "El archivo es demasiado grande para el sistema de archivos",
  DISK: "No se puede usar el directorio de contenido",
  PART_LOST: "Desapareció el archivo sin terminar",
  STATE: "No se puede guardar el estado",
  INTERNAL: "Error interno de Sluice",
};
