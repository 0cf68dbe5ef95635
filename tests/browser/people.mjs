// People who register, as apps let them: what the console has to show.

/** Asks the service as an app does; `said` is the answer's JSON, if it has any. */
async function ask(service, method, path, bearer, body) {
  const link = new URL(service.link);
  const headers = { ...(body && { 'Content-Type': 'application/json' }), ...(bearer && { Authorization: `Bearer ${bearer}` }) };
  const answer = await fetch(new URL(path, link.origin), { method, headers, body: body && JSON.stringify(body) });
  const text = await answer.text();
  return { status: answer.status, said: text ? JSON.parse(text) : null };
}

/** Starts to prove a number. */
export const start = (service, number) => ask(service, 'POST', '/v1/verifications', null, { phone_number: number, channel: 'sms' });

/** The code that has arrived at a number. */
async function code(service, number) {
  const key = new URL(service.link).hash.replace('#key=', '');
  for (;;) {
    const { said } = await ask(service, 'GET', `/v1/inbox?phone_number=${encodeURIComponent(number)}`, key);
    const found = /\d{6,8}/.exec(said.messages.at(-1)?.text ?? '')?.[0];
    if (found) return found;
    await new Promise((next) => { setImmediate(next); });
  }
}

/** Guesses wrong: the number stays unproven. */
export async function guess(service, number) {
  const { said } = await start(service, number);
  const right = await code(service, number);
  const wrong = right === '000000' ? '000001' : '000000';
  return ask(service, 'POST', `/v1/verifications/${said.id}/check`, said.secret, { code: wrong });
}

/** Registers a number with a device. */
export async function register(service, number, name) {
  const { said } = await start(service, number);
  const checked = await ask(service, 'POST', `/v1/verifications/${said.id}/check`, said.secret, { code: await code(service, number) });
  const device = { name, platform: 'android' };
  const { said: account } = await ask(service, 'POST', '/v1/accounts', null, { grant: checked.said.grant, device });
  return account;
}

/** What a device is answered about its account. */
export const status = async (service, token) => (await ask(service, 'GET', '/v1/account', token)).status;
