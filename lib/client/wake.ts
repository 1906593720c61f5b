/** What a blocked thread waits on: one word for all its connections, bumped and notified by a peer after each frame. */

/** A thread blocks in one place at a time, so all its sessions can share it. */
export const wakeCount = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT))
