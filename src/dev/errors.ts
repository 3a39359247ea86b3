import type { AnswerHeaders } from './service.ts';

/** What a part throws to answer with an error. */
export class ApiError extends Error {
  override readonly name: string = 'ApiError';
  readonly status: number;
  /** The JSON of the answer, in the shape that the real service gives it. */
  readonly body: Readonly<Record<string, unknown>>;
  readonly headers: AnswerHeaders;

  constructor(
    status: number,
    body: Readonly<Record<string, unknown>>,
    { headers = {}, cause }: { headers?: AnswerHeaders; cause?: unknown } = {},
  ) {
    super(String(body['message'] ?? body['msg'] ?? status), cause === undefined ? undefined : { cause });
    this.status = status;
    this.body = body;
    this.headers = headers;
  }
}

/**
 * A token that these keys did not sign, or that has expired. As it is, it answers as PostgREST does; the other services
 * say the same in their own shape.
 * https://docs.postgrest.org/en/v13/references/errors.html#group-3-jwt
 */
export class InvalidToken extends ApiError {
  override readonly name = 'InvalidToken';
  readonly reason: 'expired' | 'malformed' | 'signature' | 'claims';

  constructor(reason: InvalidToken['reason'], message: string, cause?: unknown) {
    const code = reason === 'expired' || reason === 'claims' ? 'PGRST303' : 'PGRST301';
    const details = reason === 'signature' ? 'None of the keys was able to decode the JWT' : null;
    super(
      401,
      { code, details, hint: null, message },
      { headers: { 'www-authenticate': `Bearer error="invalid_token", error_description="${message}"` }, cause },
    );
    this.reason = reason;
  }
}
