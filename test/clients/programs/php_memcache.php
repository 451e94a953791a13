<?php
// php-memcache (not libmemcached): text, and binary by ini.
require __DIR__ . '/checking.php';

function client_of(string $at, string $dialect): Memcache {
    ini_set('memcache.protocol', $dialect === 'binary' ? 'binary' : 'ascii');
    $client = new Memcache();
    [$host, $port] = split_address($at);
    // host, port, persistent, weight, timeout, retry interval
    $client->addServer($host, $port, false, 1, 2, 1);
    return $client;
}

function everything(string $dialect, string $prefix, string $here, string $there): void {
    $client = client_of($here, $dialect);
    $other = client_of($there, $dialect);
    $thing = ['a' => [1, 2.5, null], 'b' => str_repeat('c', 10000)];
    check('set', $client->set($prefix . 'thing', $thing, MEMCACHE_COMPRESSED, 100), true);
    check('get', $client->get($prefix . 'thing'), $thing);
    check('set m1', $client->set($prefix . 'm1', 'one', 0, 0), true);
    check('set m2', $client->set($prefix . 'm2', 'two', 0, 0), true);
    $many = $client->get([$prefix . 'm1', $prefix . 'm2', $prefix . 'm3']);
    check('get many', count($many), 2);
    check('add what is there', $client->add($prefix . 'm1', 'x'), false);
    check('add', $client->add($prefix . 'new', 'n'), true);
    check('replace', $client->replace($prefix . 'new', 'middle'), true);
    // In binary it takes "not found" here, and from an increment, for a server that has failed.
    if ($dialect !== 'binary') {
        check('replace nothing', $client->replace($prefix . 'absent', 'x'), false);
        check('increment of nothing', $client->increment($prefix . 'absent', 1), false);
    }
    check('append', $client->append($prefix . 'new', '-end'), true);
    check('prepend', $client->prepend($prefix . 'new', 'start-'), true);
    check('get all', $client->get($prefix . 'new'), 'start-middle-end');
    $flags = $unique = null;
    check('get with cas', $client->get($prefix . 'new', $flags, $unique), 'start-middle-end');
    check('cas', $client->cas($prefix . 'new', 'swapped', 0, 0, $unique), true);
    check('cas again', $client->cas($prefix . 'new', 'x', 0, 0, $unique), false);
    check('set int', $client->set($prefix . 'n', 9), true);
    check('increment', $client->increment($prefix . 'n', 5), 14);
    check('decrement', $client->decrement($prefix . 'n', 4), 10);
    eventually('cas', fn() => $other->get($prefix . 'new'), 'swapped');
    eventually('a counter', fn() => (int) $other->get($prefix . 'n'), 10);
    eventually('an array', fn() => $other->get($prefix . 'thing'), $thing);
    check('delete', $client->delete($prefix . 'm1'), true);
    check('delete of nothing', $client->delete($prefix . 'm1'), false);
    eventually('a delete', fn() => $other->get($prefix . 'm1'), false);
    check('getVersion', strncmp($client->getVersion(), '1.6.', 4), 0);
    // Binary getStats is broken in the client, with any server.
    if ($dialect !== 'binary') check('getStats', $client->getStats()['curr_items'] > 0, true);
    check('getServerStatus', $client->getServerStatus(...split_address($here)) !== 0, true);
    check('flush', $client->flush(), true);
    check('get after flush', $client->get($prefix . 'thing'), false);
    eventually('a flush', fn() => $other->get($prefix . 'thing'), false);
    check('close', $client->close(), true);
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
