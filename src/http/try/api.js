// The service's HTTP interface, as far as this page needs it.

/** An answer that is not a success: what RFC 9457 says of it, or `unreachable` when there was none. */
export class Refusal extends Error {
  constructor(problem, retryAfter) {
    super(problem.detail ?? problem.title ?? 'Something went wrong.');
    this.code = problem.code ?? 'unknown';
    this.status = problem.status ?? 0;
    this.verification = problem.verification;
    this.retryAfter = retryAfter;
  }
}

/** `POST /v1/verifications`. A repeated `attempt` never sends twice. */
export const startVerification = (number, region, attempt) =>
  call('POST', '/v1/verifications', { body: { phone_number: number, region, channel: 'sms' }, attempt });

/** `POST /v1/verifications/{id}/codes` */
export const sendAgain = ({ id, secret }, channel, attempt) =>
  call('POST', `/v1/verifications/${id}/codes`, { bearer: secret, body: { channel }, attempt });

/** `POST /v1/verifications/{id}/challenges` */
export const solveChallenge = ({ id, secret }, kind, solution, attempt) =>
  call('POST', `/v1/verifications/${id}/challenges`, { bearer: secret, body: { kind, solution }, attempt });

/** `POST /v1/verifications/{id}/check` */
export const checkCode = ({ id, secret }, code) =>
  call('POST', `/v1/verifications/${id}/check`, { bearer: secret, body: { code } });

/** `POST /v1/accounts` */
export const register = (grant) =>
  call('POST', '/v1/accounts', {
    body: { grant, device: { name: 'Try page', platform: 'web' }, discoverable: true },
  });

/** `GET /v1/discovery/epochs` */
export const epochs = async (token) => (await call('GET', '/v1/discovery/epochs', { bearer: token })).epochs;

/** `POST /v1/discovery/lookup` */
export const lookup = (token, epoch, handles) =>
  call('POST', '/v1/discovery/lookup', { bearer: token, body: { epoch, handles } });

/** `GET /v1/inbox`: what was sent to this number lately, newest last. */
export const inbox = async (key, number) =>
  (await call('GET', `/v1/inbox?phone_number=${encodeURIComponent(number)}`, { bearer: key })).messages;

async function call(method, path, { bearer, body, attempt } = {}) {
  const headers = { Accept: 'application/json, application/problem+json' };
  if (bearer) headers.Authorization = `Bearer ${bearer}`;
  if (attempt) headers['Idempotency-Key'] = attempt;
  if (body) headers['Content-Type'] = 'application/json';
  const request = { method, headers, body: body && JSON.stringify(body), cache: 'no-store', credentials: 'omit' };
  const answer = await fetch(path, request).catch(() => {
    throw new Refusal({ code: 'unreachable' });
  });
  if (answer.ok) return answer.json();
  const problem = await answer.json().catch(() => ({}));
  const wait = Number.parseInt(answer.headers.get('Retry-After') ?? '', 10);
  throw new Refusal({ ...problem, status: answer.status }, Number.isNaN(wait) ? undefined : wait);
}
