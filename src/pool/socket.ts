/** A session's socket: what it is allowed stands in its attachment, which survives hibernation. */
import type { ServerFrame, SessionAuth } from "../protocol/frames.ts";

/** What a session is allowed, and how far it has been told. */
export type Attachment = SessionAuth & { readonly watch: Watch | null };
/** `sent`: the last event that went out; `acked`: the last that the other side says it has seen. */
export type Watch = { readonly sent: number; readonly acked: number };

/** The tag of a key's sockets, and its name among turns. The operator has no sessions. */
export function keyOf({ caller }: SessionAuth): string {
  return caller.key_id ?? "";
}

export function attach(socket: WebSocket, attachment: Attachment): void {
  socket.serializeAttachment(attachment);
}

export function attachmentOf(socket: WebSocket): Attachment {
  return socket.deserializeAttachment();
}

export function send(socket: WebSocket, frame: ServerFrame): void {
  sendText(socket, JSON.stringify(frame));
}

/** False if the other side has gone; the platform tells us so by itself. */
export function sendText(socket: WebSocket, text: string): boolean {
  try {
    socket.send(text);
    return true;
  } catch {
    return false;
  }
}

export function close(socket: WebSocket, code: number, reason: string): void {
  try {
    socket.close(code, reason);
  } catch {
    // It is closed already.
  }
}
