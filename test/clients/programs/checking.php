<?php
// What the PHP programs share; checking.py says what they are called with.
error_reporting(E_ALL & ~E_DEPRECATED);
ini_set('display_errors', 'stderr');
const PATIENCE = 5.0;

function check(string $what, $found, $wanted): void {
    if ($found !== $wanted) {
        fail("$what: " . var_export($found, true) . ' instead of ' . var_export($wanted, true));
    }
}

function fail(string $why): void {
    fwrite(STDERR, substr($why, 0, 2000) . "\n");
    exit(1);
}

function eventually(string $what, callable $find, $wanted): void {
    $deadline = microtime(true) + PATIENCE;
    while (($found = $find()) !== $wanted) {
        if (microtime(true) > $deadline) check("$what on the other node", $found, $wanted);
        usleep(5000);
    }
}

function split_address(string $at): array {
    [$host, $port] = explode(':', $at);
    return [$host, (int) $port];
}

function loop(string $prefix, string $seconds, callable $put, callable $fetch): void {
    error_reporting(0);
    $end = microtime(true) + (float) $seconds;
    for ($number = 0; microtime(true) < $end; ++$number) {
        $key = "$prefix-$number";
        echo $put($key, $key) && $fetch($key) === $key ? "ok $key\n" : "no it said so\n";
        usleep(10000);
    }
}

// Others count, too: each time it is told another number, and a higher one.
function counting(string $times, callable $create, callable $increment): void {
    $create();
    $last = 0;
    for ($n = 0; $n < (int) $times; ++$n) {
        $number = $increment();
        check('a higher number', is_int($number) && $number > $last, true);
        $last = $number;
    }
}

function run(): void {
    global $argv;
    $mode = ['loop' => 'in_a_loop', 'count' => 'count_up'][$argv[1]] ?? $argv[1];
    $mode(...array_slice($argv, 2));
    echo "done\n";
}
