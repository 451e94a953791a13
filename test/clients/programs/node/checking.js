'use strict';
// What the Node programs share; ../checking.py says what they are called with.
const util = require('util');

const PATIENCE_MS = 5000;

function check(what, found, wanted) {
  if (util.isDeepStrictEqual(found, wanted)) return;
  const show = value => util.inspect(value).slice(0, 500);
  throw new Error(`${what}: ${show(found)} instead of ${show(wanted)}`);
}

const pause = ms => new Promise(resolve => setTimeout(resolve, ms));

async function eventually(what, find, wanted) {
  const deadline = Date.now() + PATIENCE_MS;
  for (;;) {
    const found = await find();
    if (util.isDeepStrictEqual(found, wanted)) return;
    if (Date.now() > deadline) check(`${what} on the other node`, found, wanted);
    await pause(5);
  }
}

// A client may never answer for the request that was in flight when its connection broke.
function atMost(ms, promise) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error('no answer at all')), ms);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

async function loop(prefix, seconds, put, fetch) {
  const end = Date.now() + 1000 * Number(seconds);
  for (let number = 0; Date.now() < end; ++number) {
    const key = `${prefix}-${number}`;
    try {
      const good = await atMost(1000, put(key, key)) && await atMost(1000, fetch(key)) === key;
      console.log(good ? `ok ${key}` : 'no it said so');
    } catch (error) {
      console.log(`no ${String(error && error.message).split('\n')[0]}`);
    }
    await pause(10);
  }
}

function run(everything, inALoop) {
  const [mode, ...words] = process.argv.slice(2);
  const work = mode === 'everything' ? everything : inALoop;
  work(...words).then(() => { console.log('done'); process.exit(0); },
    error => { console.error(error.message); process.exit(1); });
}

module.exports = { check, eventually, loop, run };
