// Several numbers, one line: the rules of the service, which documents them with its own numbers.

/** Vietnam 2018: the operator's old three digits to the new two. */
const VIETNAM = {
  120: '70', 121: '79', 122: '77', 126: '76', 128: '78',
  123: '83', 124: '84', 125: '85', 127: '81', 129: '82',
  162: '32', 163: '33', 164: '34', 165: '35', 166: '36', 167: '37', 168: '38', 169: '39',
  186: '56', 188: '58', 199: '59',
};

/** Forms that a country has abolished: `[pattern of E.164, what replaced it]`. */
const ABOLISHED = [
  [/^\+52(?:1|01|044|045)(\d{10})$/, '+52$1'], // Mexico 2019
  [/^\+55(\d{2})([689]\d{7})$/, '+55$19$2'], // Brazil 2012 to 2016
  [/^\+84(1[26]\d|18[68]|199)(\d{7})$/, (whole, old, line) => (VIETNAM[old] ? `+84${VIETNAM[old]}${line}` : whole)],
  // Côte d'Ivoire 2021: mobiles show their operator in the second digit, landlines in the third.
  [/^\+225((?:0[1-3]|[457][0-3])\d{6})$/, '+22501$1'],
  [/^\+225([04-9][4-6]\d{6})$/, '+22505$1'],
  [/^\+225([04-9][7-9]\d{6})$/, '+22507$1'],
  [/^\+225([23]\d8\d{5})$/, '+22521$1'],
  [/^\+225([23]\d0\d{5})$/, '+22525$1'],
  [/^\+225([23]\d{7})$/, '+22527$1'],
  [/^\+229(\d{8})$/, '+22901$1'], // Benin 2024
];

/** What replaced a number that is not in use, or nothing if no abolished form looks like it. */
export function revived(e164) {
  const rule = ABOLISHED.find(([pattern]) => pattern.test(e164));
  return rule && e164.replace(...rule);
}

/** Another form that a line in use may have, and that stands for it if that is in use too: Argentina's with the `9`. */
export function twin(e164) {
  const line = /^\+54(\d{10})$/.exec(e164)?.[1];
  return line && `+549${line}`;
}
