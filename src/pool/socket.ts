/** A session's socket. Its rights and its subscription are kept in its attachment, which survives hibernation. */
import type { ServerFrame, SessionAuth } from "../protocol/frames.ts";

/** A session's rights, and how far its subscription has got. */
export type Attachment = SessionAuth & { readonly watch: Watch | null };
/** `sent`: the last event that was sent; `acked`: the last that the peer has acknowledged. */
export type Watch = { readonly sent: number; readonly acked: number };

/** The tag of a key's sockets, and its name in `Turns`. The operator has no sessions. */
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

/** False if the peer has disconnected; the platform calls `webSocketClose` by itself. */
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
