'use strict';
// memjs (Node): binary; INCREMENT with an initial value.
const memjs = require('memjs');
const { check, eventually, loop, run } = require('./checking');

const clientOf = at => memjs.Client.create(at, {
  timeout: 1, conntimeout: 1, retries: 3, retry_delay: 0.1, failoverTime: 1,
  logger: { log() {} },
});
const text = async (client, key) => {
  const { value } = await client.get(key);
  return value && value.toString();
};
const stats = (client, command) => new Promise((resolve, reject) =>
  client[command]((error, _server, found) => (error ? reject(error) : resolve(found))));

async function everything(_dialect, prefix, here, there) {
  const client = clientOf(here);
  const other = clientOf(there);
  const big = 'x'.repeat(500000);
  check('set', await client.set(prefix + 'text', 'wert', { expires: 100 }), true);
  check('get', await text(client, prefix + 'text'), 'wert');
  check('set bytes', await client.set(prefix + 'bytes', Buffer.from([0, 13, 10, 255]), {}), true);
  check('get bytes', (await client.get(prefix + 'bytes')).value, Buffer.from([0, 13, 10, 255]));
  check('set a large value', await client.set(prefix + 'big', big, {}), true);
  check('add what is there', await client.add(prefix + 'text', 'x', {}), false);
  check('add', await client.add(prefix + 'new', 'n', {}), true);
  check('replace', await client.replace(prefix + 'new', 'middle', {}), true);
  check('replace nothing', await client.replace(prefix + 'absent', 'x', {}), false);
  check('append', await client.append(prefix + 'new', '-end'), true);
  check('get all', await text(client, prefix + 'new'), 'middle-end');
  check('prepend', await client.prepend(prefix + 'new', 'start-'), true);  // it sends an APPEND
  const created = await client.increment(prefix + 'n', 1, { initial: 5 });
  check('increment creates', created.value, 5);
  check('increment', (await client.increment(prefix + 'n', 10, { initial: 5 })).value, 15);
  check('decrement', (await client.decrement(prefix + 'n', 100, { initial: 5 })).value, 0);
  check('touch', await client.touch(prefix + 'text', 100), true);
  await eventually('an append', () => text(other, prefix + 'new'), 'middle-endstart-');
  await eventually('a created counter',
    async () => (await other.increment(prefix + 'n', 0, { initial: 5 })).value, 0);
  await eventually('a large value', () => text(other, prefix + 'big'), big);
  check('delete', await client.delete(prefix + 'new'), true);
  check('delete of nothing', await client.delete(prefix + 'new'), false);
  await eventually('a delete', () => text(other, prefix + 'new'), null);
  check('stats', (await stats(client, 'stats')).version.startsWith('1.6.'), true);
  await new Promise(resolve => client.flush(resolve));
  check('get after flush', await text(client, prefix + 'text'), null);
  await eventually('a flush', () => text(other, prefix + 'text'), null);
  client.quit();
}

const inALoop = (_dialect, prefix, at, seconds) => {
  const client = clientOf(at);
  return loop(prefix, seconds, (key, value) => client.set(key, value, {}),
    key => text(client, key));
};

run(everything, inALoop);
