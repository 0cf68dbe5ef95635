// The phone drawn on the page: it asks the inbox for its messages and shows them as they come.
import { inbox } from './api.js';
import { $, element } from './view.js';
import { refusalInWords } from './words.js';

const EVERY_MS = 1000;

export class Phone {
  /** The development key, which the inbox asks for. */
  key = null;
  #fill;
  #seen = new Set();
  #watching = 0;

  /** `fill(code)` is called when the reader picks the code out of a message. */
  constructor(fill) {
    this.#fill = fill;
    drawSkyline(document.querySelector('.skyline'));
    this.tick();
  }

  /** Takes this number, and remembers what it already holds: only later messages arrive on the screen. */
  async hold(number, pretty) {
    this.stop();
    const earlier = await inbox(this.key, number);
    this.#seen = new Set(earlier.map(({ id }) => id));
    $('messages').replaceChildren();
    $('phone-number').textContent = pretty;
  }

  /** Asks about once a second until told to stop. */
  async watch(number) {
    const watch = ++this.#watching;
    this.#say('Waiting for the message', true);
    while (watch === this.#watching) {
      await this.#look(number, watch);
      await new Promise((wake) => setTimeout(wake, EVERY_MS));
    }
  }

  /** Stops asking; the messages stay on the screen, their codes can no longer be filled in. */
  stop() {
    this.#watching += 1;
    this.#say('');
    for (const button of $('messages').querySelectorAll('button')) button.remove();
  }

  /** The time of day on the screen. */
  tick() {
    $('phone-time').textContent = new Date().toLocaleTimeString('en-GB', { hour: '2-digit', minute: '2-digit' });
  }

  async #look(number, watch) {
    try {
      const messages = await inbox(this.key, number);
      if (watch !== this.#watching) return;
      const fresh = messages.filter(({ id }) => !this.#seen.has(id));
      for (const message of fresh) this.#arrive(message);
      if ($('messages').children.length) this.#say('');
    } catch (refusal) {
      if (watch === this.#watching) this.#say(refusalInWords(refusal));
    }
  }

  #arrive({ id, channel, text, sent_at: sentAt }) {
    this.#seen.add(id);
    const time = new Date(sentAt).toLocaleTimeString('en-GB', { hour: '2-digit', minute: '2-digit' });
    const from = element('p', { className: 'from' }, element('b', { textContent: channel === 'voice' ? 'Call' : 'Tuttu' }), element('time', { textContent: time }));
    const [before, code, after] = around(text);
    const item = element('li', {}, from, element('p', {}, before, element('b', { textContent: code }), after));
    if (code) item.append(element('button', { type: 'button', textContent: `Fill in ${code}`, onclick: () => this.#fill(code) }));
    $('messages').prepend(item);
  }

  #say(words, waiting = false) {
    const status = $('phone-status');
    if (status.textContent !== words) status.textContent = words;
    status.classList.toggle('waiting', waiting);
  }
}

/** A message's text before, in and after its first 6 to 8 digits. */
function around(text) {
  const found = /(?<!\d)\d{6,8}(?!\d)/.exec(text);
  if (!found) return [text, '', ''];
  return [text.slice(0, found.index), found[0], text.slice(found.index + found[0].length)];
}

/** Houses at dusk: `[x, width, height]`, their lit windows always the same. */
const HOUSES = [[0, 52, 92], [48, 40, 138], [84, 62, 74], [142, 46, 116], [184, 58, 86], [236, 48, 128]];

function drawSkyline(svg) {
  const draw = (className, x, y, width, height) => {
    const shape = document.createElementNS('http://www.w3.org/2000/svg', 'rect');
    Object.entries({ class: className, x, y, width, height }).forEach(([name, value]) => shape.setAttribute(name, value));
    svg.append(shape);
  };
  HOUSES.forEach(([x, width, height], house) => {
    draw(house % 2 ? 'house back' : 'house', x, 210 - height, width, height);
    for (let row = 0; row * 18 < height - 24; row += 1) {
      for (let column = 0; column * 13 < width - 18; column += 1) {
        const lit = (house * 7 + row * 5 + column * 11) % 6 === 0;
        draw(lit ? 'pane lit' : 'pane', x + 8 + column * 13, 210 - height + 10 + row * 18, 7, 10);
      }
    }
  });
}
