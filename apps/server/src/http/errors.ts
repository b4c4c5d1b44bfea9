// Every refusal that the REST interface knows: stable code, HTTP status, title. The detail says what to do about it.

export const errors = {
  "malformed-json": { status: 400, title: "The body is not JSON" },
  "malformed-request": { status: 400, title: "The request is not well-formed" },
  "validation-failed": { status: 422, title: "The request is not valid" },
  "credentials-wrong": { status: 401, title: "User name or password is wrong" },
  "not-signed-in": { status: 401, title: "Sign in first" },
  "password-change-required": { status: 403, title: "Choose a password of your own first" },
  "origin-refused": { status: 403, title: "The request came from another site" },
  "too-many-attempts": { status: 429, title: "Too many attempts" },
  "not-found": { status: 404, title: "There is nothing here" },
  "request-timeout": { status: 408, title: "The request did not arrive" },
  "body-too-large": { status: 413, title: "The body is too large" },
  "upload-too-large": { status: 413, title: "The file is too large" },
  "upload-incomplete": { status: 400, title: "The upload broke off" },
  "unsupported-media-type": { status: 415, title: "The content type is not supported" },
  "expectation-failed": { status: 417, title: "The expectation cannot be met" },
  "header-too-large": { status: 431, title: "The request's header is too large" },
  "storage-full": { status: 507, title: "The disk of the server is full" },
  "claim-exists": { status: 409, title: "A device has another claim already" },
  "device-revoked": { status: 409, title: "The device is revoked" },
  "release-exists": { status: 409, title: "The release exists already" },
  "no-operations-key": { status: 409, title: "This server cannot sign commands" },
  "too-many-commands": { status: 409, title: "Too many commands wait for the device" },
  "release-sequence": { status: 409, title: "The release sequence does not rise with the version" },
  "image-file-missing": { status: 409, title: "A file of the release cannot be served" },
  "rollout-state": { status: 409, title: "The rollout is not in a state for this" },
  "no-image-for-hardware": { status: 422, title: "The release has no image for some devices" },
  "device-not-known": { status: 422, title: "A device cannot be updated" },
  "release-revoked": { status: 422, title: "No key that is in force signed the release" },
  "release-older": { status: 422, title: "Some devices run a newer release" },
  "no-devices": { status: 422, title: "The rollout has no devices" },
  "event-streams-exhausted": { status: 503, title: "Too many event streams are open" },
  "server-busy": { status: 503, title: "The server is busy" },
  "internal-error": { status: 500, title: "The server made a mistake" },
} as const satisfies Record<string, { status: number; title: string }>;

export type ErrorCode = keyof typeof errors;

export interface FieldError {
  path: string;
  message: string;
}

/** A refusal on its way to the client. `detail` is for people and never holds secrets. */
export class ApiError extends Error {
  readonly code: string;
  readonly status: number;
  readonly title: string;
  readonly fieldErrors: FieldError[] | undefined;
  readonly retryAfterSeconds: number | undefined;

  constructor(code: ErrorCode, detail: string, more: { errors?: FieldError[]; retryAfterSeconds?: number } = {}) {
    super(detail);
    this.name = "ApiError";
    this.code = code;
    this.status = errors[code].status;
    this.title = errors[code].title;
    this.fieldErrors = more.errors;
    this.retryAfterSeconds = more.retryAfterSeconds;
  }
}
