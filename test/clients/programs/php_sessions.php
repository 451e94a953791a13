<?php
// PHP's sessions in the cache: `memcached` speaks binary by default, `memcache` text; both lock.
//     php_sessions.php everything memcached|memcache <prefix> <here> <there>
//     php_sessions.php count memcached|memcache <session id> <where> <times>
require __DIR__ . '/checking.php';

function store_in(string $handler, string $at): void {
    ini_set('session.use_cookies', '0');
    ini_set('session.use_only_cookies', '0');
    ini_set('session.cache_limiter', '');
    ini_set('session.gc_probability', '0');
    ini_set('session.save_handler', $handler);
    ini_set('session.save_path', $handler === 'memcache' ? "tcp://$at" : $at);
    // The default waits 150 ms at least before it asks for the lock again.
    ini_set('memcached.sess_lock_wait_min', '5');
    ini_set('memcached.sess_lock_wait_max', '20');
    ini_set('memcached.sess_lock_retries', '1000');
}

function read_session(string $id): ?array {
    session_id($id);
    check('session_start', session_start(['read_and_close' => false]), true);
    $held = $_SESSION;
    session_write_close();
    return $held;
}

// Without writing it back, as PHP does at the end of a request that only opened the session: a copy
// of what has not arrived yet would be newer than that, and would win on both nodes.
function look_at_session(string $id): ?array {
    session_id($id);
    check('session_start', session_start(['read_and_close' => true]), true);
    return $_SESSION;
}

function everything(string $handler, string $prefix, string $here, string $there): void {
    $id = preg_replace('/[^a-zA-Z0-9-]/', '-', $prefix) . 'session';
    store_in($handler, $here);
    session_id($id);
    check('session_start', session_start(), true);
    $_SESSION = ['user' => 'ü', 'cart' => [1, 2, 3], 'text' => str_repeat('x', 20000)];
    $wanted = $_SESSION;
    session_write_close();
    check('the session again', read_session($id), $wanted);
    store_in($handler, $there);
    eventually('a session', fn() => look_at_session($id), $wanted);
    store_in($handler, $here);
    session_id($id);
    session_start();
    check('regenerate', session_regenerate_id(true), true);
    $new = session_id();
    session_write_close();
    check('the new one', read_session($new), $wanted);
    session_id($new);
    session_start();
    check('destroy', session_destroy(), true);
    store_in($handler, $there);
    eventually('a destroyed session', fn() => look_at_session($new), []);
    many_at_once($handler, $id . 'locked', $here);
}

// Without the lock, requests that read and write one session at once lose each other's changes.
function many_at_once(string $handler, string $id, string $at): void {
    $children = [];
    for ($n = 0; $n < 3; ++$n) {
        $children[] = proc_open([PHP_BINARY, __FILE__, 'count', $handler, $id, $at, '10'],
                                [1 => ['file', '/dev/null', 'w']], $pipes);
    }
    foreach ($children as $child) check('a child ends well', proc_close($child), 0);
    store_in($handler, $at);
    check('counted by three at once', read_session($id)['count'], 30);
}

function count_up(string $handler, string $id, string $at, string $times): void {
    store_in($handler, $at);
    for ($n = 0; $n < (int) $times; ++$n) {
        session_id($id);
        check('session_start', session_start(), true);
        $_SESSION['count'] = ($_SESSION['count'] ?? 0) + 1;
        usleep(1000);
        session_write_close();
    }
}

run();
