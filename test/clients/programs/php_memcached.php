<?php
// php-memcached (libmemcached): text and binary.
require __DIR__ . '/checking.php';

function client_of(string $at, string $dialect): Memcached {
    $client = new Memcached();
    $client->setOptions([
        Memcached::OPT_BINARY_PROTOCOL => $dialect === 'binary',
        Memcached::OPT_TCP_NODELAY => true,
        Memcached::OPT_CONNECT_TIMEOUT => 2000,
        Memcached::OPT_RETRY_TIMEOUT => 1,
        Memcached::OPT_SERVER_FAILURE_LIMIT => 100,
    ]);
    $client->addServer(...split_address($at));
    return $client;
}

function everything(string $dialect, string $prefix, string $here, string $there): void {
    $client = client_of($here, $dialect);
    $other = client_of($there, $dialect);
    foreach ([$client, $other] as $one) $one->setOption(Memcached::OPT_PREFIX_KEY, $prefix);
    $thing = ['a' => [1, 2.5, null], 'b' => str_repeat('c', 10000)];
    check('set', $client->set('thing', $thing, 100), true);
    check('get', $client->get('thing'), $thing);
    check('set int', $client->set('int', 42), true);
    check('get int', $client->get('int'), 42);
    check('setMulti', $client->setMulti(['m1' => 1, 'm2' => 'two'], 100), true);
    check('getMulti', $client->getMulti(['m1', 'm2', 'm3']), ['m1' => 1, 'm2' => 'two']);
    check('getDelayed', $client->getDelayed(['m1', 'm2'], true), true);
    check('fetchAll', count($client->fetchAll()), 2);
    check('add what is there', $client->add('m1', 5), false);
    check('its code', $client->getResultCode(),
          $dialect === 'binary' ? Memcached::RES_DATA_EXISTS : Memcached::RES_NOTSTORED);
    check('add', $client->add('new', 'n'), true);
    check('replace', $client->replace('new', 'middle'), true);
    check('replace nothing', $client->replace('absent', 'x'), false);
    $client->setOption(Memcached::OPT_COMPRESSION, false);
    check('set plain', $client->set('new', 'middle'), true);
    check('append', $client->append('new', '-end'), true);
    check('prepend', $client->prepend('new', 'start-'), true);
    check('get all', $client->get('new'), 'start-middle-end');
    $extended = $client->get('new', null, Memcached::GET_EXTENDED);
    check('get extended', $extended['value'], 'start-middle-end');
    check('cas', $client->cas($extended['cas'], 'new', 'swapped'), true);
    check('cas again', $client->cas($extended['cas'], 'new', 'x'), false);
    check('its code', $client->getResultCode(), Memcached::RES_DATA_EXISTS);
    check('set number', $client->set('n', 9), true);
    check('increment', $client->increment('n', 5), 14);
    check('decrement', $client->decrement('n', 4), 10);
    if ($dialect === 'binary') {
        check('increment creates', $client->increment('created', 1, 7, 100), 7);
        eventually('a created counter', fn() => $other->get('created'), '7');
    }
    check('touch', $client->touch('n', 100), true);
    check('touch of nothing', $client->touch('absent', 100), false);
    eventually('cas', fn() => $other->get('new'), 'swapped');
    eventually('a counter', fn() => (int) $other->get('n'), 10);
    eventually('an array', fn() => $other->get('thing'), $thing);
    check('delete', $client->delete('n'), true);
    check('delete of nothing', $client->delete('n'), false);
    check('deleteMulti', $client->deleteMulti(['m1', 'm2']), ['m1' => true, 'm2' => true]);
    eventually('a delete', fn() => $other->get('m1'), false);
    $client->setOption(Memcached::OPT_NOREPLY, true);
    $client->set('quiet', 'yes');
    $client->setOption(Memcached::OPT_NOREPLY, false);
    eventually('a quiet set', fn() => $other->get('quiet'), 'yes');
    $versions = $client->getVersion();
    check('getVersion', strncmp(reset($versions), '1.6.', 4), 0);
    $stats = $client->getStats();
    check('getStats', reset($stats)['curr_items'] > 0, true);
    check('getStats items', is_array($client->getStats('items')), true);
    check('flush', $client->flush(), true);
    check('get after flush', $client->get('thing'), false);
    eventually('a flush', fn() => $other->get('thing'), false);
    check('quit', $client->quit(), true);
}

function in_a_loop(string $dialect, string $prefix, string $at, string $seconds): void {
    $client = client_of($at, $dialect);
    loop($prefix, $seconds, fn($k, $v) => $client->set($k, $v), fn($k) => $client->get($k));
}

function count_up(string $dialect, string $prefix, string $at, string $times): void {
    $client = client_of($at, $dialect);
    counting($times, fn() => $client->add($prefix, '0'), fn() => $client->increment($prefix));
}

run();
