import { ApiError, urlOf } from "./client";
import type { Firmware } from "./types";

/** Sends a firmware file and tells how far it is, from 0 to 1; fetch does not. `known` says that the same bytes were there. */
export function uploadFirmware(file: File, progress: (share: number) => void): Promise<{ firmware: Firmware; known: boolean }> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", urlOf("/firmware", { name: file.name }));
    request.setRequestHeader("Content-Type", "application/octet-stream");
    request.setRequestHeader("X-Tandem-Request", "1");
    request.responseType = "json";
    request.upload.onprogress = (event) => progress(event.loaded / Math.max(event.total, 1));
    request.onerror = () => reject(new ApiError(0, "no answer", "The connection broke while the file was sent."));
    request.onload = () => {
      const answer = request.response ?? {};
      if (request.status < 300) resolve({ firmware: answer, known: request.status === 200 });
      else reject(new ApiError(request.status, answer.title ?? request.statusText, answer.detail ?? ""));
    };
    request.send(file);
  });
}
