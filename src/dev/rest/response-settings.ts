/** What functions and triggers say about the answer: `response.status`, `response.headers`, and errors that carry both. */
import type { DevAnswer } from '../service.ts';
import { RestFailure } from './failure.ts';
import { answerHeaders, isHeader, isStatus } from './headers.ts';
import type { Result } from './run.ts';

/**
 * The answer, with what functions and triggers set as `response.status` and `response.headers`.
 * @throws RestFailure PGRST111, PGRST112 where those are not what they must be
 */
export function finishAnswer(
  { headers, status }: Pick<Result, 'headers' | 'status'>,
  answer: Required<Pick<DevAnswer, 'status' | 'headers'>> & Pick<DevAnswer, 'body'>,
): DevAnswer {
  return {
    ...answer,
    status: status === null ? answer.status : settingStatus(status),
    headers: headers === null ? answer.headers : { ...answer.headers, ...settingHeaders(headers) },
  };
}

function settingStatus(text: string): number {
  if (isStatus(text.trim())) return Number(text);
  throw new RestFailure({
    status: 500,
    code: 'PGRST112',
    message: 'response.status guc must be a valid status code',
  });
}

function settingHeaders(text: string): Record<string, string | string[]> {
  const failure = new RestFailure({
    status: 500,
    code: 'PGRST111',
    message: 'response.headers guc must be a JSON array composed of objects with a single key and a string value',
  });
  let list: unknown;
  try {
    list = JSON.parse(text);
  } catch {
    throw failure;
  }
  if (!Array.isArray(list)) throw failure;
  const pairs = (list as unknown[]).map((entry) => {
    const [pair, another] = typeof entry === 'object' && entry !== null ? Object.entries(entry) : [];
    if (pair === undefined || another !== undefined || !isHeader(pair)) throw failure;
    return pair;
  });
  return answerHeaders(pairs);
}
