'use strict';
// memcached (Node): text.
const Memcached = require('memcached');
const { check, eventually, loop, run } = require('./checking');

const clientOf = at => {
  const client = new Memcached(at, {
    timeout: 1000, retries: 1, retry: 200, reconnect: 200, failures: 1000, failuresTimeout: 200,
  });
  const ask = name => (...words) => new Promise((resolve, reject) =>
    client[name](...words, (error, found) => (error ? reject(error) : resolve(found))));
  const names = ['set', 'get', 'getMulti', 'gets', 'cas', 'add', 'replace', 'append', 'prepend',
    'incr', 'decr', 'touch', 'del', 'version', 'stats', 'settings', 'slabs', 'items', 'flush'];
  const asking = Object.fromEntries(names.map(name => [name, ask(name)]));
  // What it answers "no" to comes as an error or as false, by the verb.
  asking.refuses = (...words) => asking[words[0]](...words.slice(1)).then(
    found => found === false, () => true);
  asking.end = () => client.end();
  return asking;
};

async function everything(_dialect, prefix, here, there) {
  const client = clientOf(here);
  const other = clientOf(there);
  const big = 'x'.repeat(500000);
  check('set', await client.set(prefix + 'text', 'wert', 100), true);
  check('get', await client.get(prefix + 'text'), 'wert');
  check('set an object', await client.set(prefix + 'thing', { a: [1, null] }, 0), true);
  check('get it', await client.get(prefix + 'thing'), { a: [1, null] });
  check('set a large value', await client.set(prefix + 'big', big, 0), true);
  check('add what is there', await client.refuses('add', prefix + 'text', 'x', 0), true);
  check('add', await client.add(prefix + 'new', 'n', 0), true);
  check('replace', await client.replace(prefix + 'new', 'middle', 0), true);
  check('replace nothing', await client.refuses('replace', prefix + 'absent', 'x', 0), true);
  check('append', await client.append(prefix + 'new', '-end'), true);
  check('prepend', await client.prepend(prefix + 'new', 'start-'), true);
  check('getMulti', await client.getMulti([prefix + 'new', prefix + 'text', prefix + 'absent']),
    { [prefix + 'new']: 'start-middle-end', [prefix + 'text']: 'wert' });
  const { cas } = await client.gets(prefix + 'new');
  check('cas', await client.cas(prefix + 'new', 'swapped', cas, 0), true);
  check('cas again', await client.refuses('cas', prefix + 'new', 'x', cas, 0), true);
  check('set a number', await client.set(prefix + 'n', 9, 0), true);
  check('incr', await client.incr(prefix + 'n', 5), 14);
  check('decr', await client.decr(prefix + 'n', 4), 10);
  check('incr of nothing', await client.refuses('incr', prefix + 'absent', 1), true);
  check('touch', await client.touch(prefix + 'text', 100), true);
  await eventually('cas', () => other.get(prefix + 'new'), 'swapped');
  await eventually('a counter', () => other.get(prefix + 'n'), 10);
  await eventually('a large value', () => other.get(prefix + 'big'), big);
  check('del', await client.del(prefix + 'new'), true);
  check('del of nothing', await client.refuses('del', prefix + 'new'), true);
  await eventually('a delete', () => other.get(prefix + 'new'), undefined);
  check('version', (await client.version())[0].version.startsWith('1.6.'), true);
  check('stats', (await client.stats())[0].curr_items > 0, true);
  check('settings', (await client.settings())[0].maxbytes > 0, true);
  check('slabs', (await client.slabs()).length > 0, true);
  check('items', (await client.items()).length > 0, true);
  check('flush', await client.flush(), [true]);
  check('get after flush', await client.get(prefix + 'text'), undefined);
  await eventually('a flush', () => other.get(prefix + 'text'), undefined);
  client.end();
}

const inALoop = (_dialect, prefix, at, seconds) => {
  const client = clientOf(at);
  return loop(prefix, seconds, (key, value) => client.set(key, value, 0), key => client.get(key));
};

run(everything, inALoop);
