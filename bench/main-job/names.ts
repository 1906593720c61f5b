/**
 * File names as znode names. A file name is any bytes but `/`; a znode name is text without control characters,
 * surrogates, private use and specials. What is not allowed, and the percent sign, becomes `%XX` byte by byte, as in a
 * URL: no two names meet, and each can be turned back.
 */

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it looks for
const REFUSED_TEXT = /[%\u0000-\u001f\u007f-\u009f\ud800-\uf8ff\ufff0-\uffff]+/g
// biome-ignore lint/suspicious/noControlCharactersInRegex: as above
const REFUSED_BYTES = /[%\u0000-\u001f\u007f-\u00ff]/g

/** `100%.txt` → `100%25.txt` */
export function znodeName(fileName: Buffer): string {
  const text = fileName.toString()
  const isText = Buffer.from(text).equals(fileName)
  return isText
    ? text.replace(REFUSED_TEXT, run => percent(Buffer.from(run)))
    : fileName
        .toString('latin1')
        .replace(REFUSED_BYTES, byte => percent(Buffer.from(byte, 'latin1')))
}

function percent(bytes: Buffer): string {
  return bytes.toString('hex').toUpperCase().replace(/../g, '%$&')
}
