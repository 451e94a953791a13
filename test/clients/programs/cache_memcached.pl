#!/usr/bin/perl
# Perl's Cache::Memcached and Cache::Memcached::Fast: text; `get k ` with a blank, namespaces.
use strict;
use warnings;
use Time::HiRes qw(time sleep);
use Cache::Memcached;
use Cache::Memcached::Fast;

use constant PATIENCE => 5;
$| = 1;

sub client_of {
    my ($at, $dialect, $prefix) = @_;
    return Cache::Memcached::Fast->new({
        servers => [$at], namespace => $prefix, connect_timeout => 2, io_timeout => 2,
        max_failures => 3, failure_timeout => 1 }) if $dialect eq 'fast';
    return Cache::Memcached->new({ servers => [$at], namespace => $prefix, connect_timeout => 2 });
}

sub shown { my $value = shift; return defined $value ? "'$value'" : 'undef' }

sub check {
    my ($what, $found, $wanted) = @_;
    return if shown($found) eq shown($wanted);
    die "$what: " . shown($found) . ' instead of ' . shown($wanted) . "\n";
}

sub eventually {
    my ($what, $find, $wanted) = @_;
    my $deadline = time + PATIENCE;
    while (shown(my $found = $find->()) ne shown($wanted)) {
        check("$what on the other node", $found, $wanted) if time > $deadline;
        sleep 0.005;
    }
}

sub what_both_can {
    my ($client, $other) = @_;
    check('set', $client->set('text', "v\xc3\xa4rde", 100), 1);
    check('get', $client->get('text'), "v\xc3\xa4rde");
    check('set a structure', $client->set('thing', { a => [1, 2], b => 'c' x 20000 }), 1);
    check('get it', scalar @{ $client->get('thing')->{a} }, 2);
    check('add what is there', !!$client->add('text', 'x'), !!0);
    check('add', $client->add('new', 'n'), 1);
    check('replace', $client->replace('new', 'middle'), 1);
    check('replace nothing', !!$client->replace('absent', 'x'), !!0);
    check('get_multi', scalar keys %{ $client->get_multi('text', 'new', 'absent') }, 2);
    check('set number', $client->set('n', 9), 1);
    check('incr', $client->incr('n', 5), 14);
    check('decr', $client->decr('n', 4), 10);
    eventually('a counter', sub { $other->get('n') }, 10);
    eventually('a structure', sub { my $thing = $other->get('thing'); $thing && $thing->{a}[1] }, 2);
    check('delete', $client->delete('new'), 1);
    check('delete of nothing', !!$client->delete('new'), !!0);
    eventually('a delete', sub { $other->get('new') }, undef);
}

sub what_fast_can {
    my ($client, $other) = @_;
    check('append', do { $client->set('s', 'middle'); $client->append('s', '-end') }, 1);
    check('prepend', $client->prepend('s', 'start-'), 1);
    my $pair = $client->gets('s');
    check('gets', $pair->[1], 'start-middle-end');
    check('cas', $client->cas('s', $pair->[0], 'swapped'), 1);
    check('cas again', !!$client->cas('s', $pair->[0], 'x'), !!0);
    eventually('cas', sub { $other->get('s') }, 'swapped');
    check('touch', $client->touch('s', 100), 1);
    check('gat', $client->gat(100, 's'), 'swapped');
    check('gats', $client->gats(100, 's')->[1], 'swapped');
    check('gats_multi', scalar keys %{ $client->gats_multi(100, 's', 'n', 'absent') }, 2);
    my $set = $client->set_multi(['m1', 'one'], ['m2', 'two', 100]);
    check('set_multi', join(' ', map { "$_$set->{$_}" } sort keys %$set), 'm11 m21');
    check('delete_multi', join(' ', values %{ $client->delete_multi('m1', 'm2') }), '1 1');
    # In void context it does not wait: noreply.
    $client->set("quiet$_", $_) for 1 .. 100;
    $client->nowait_push;
    eventually('quiet sets', sub {
        scalar keys %{ $other->get_multi(map { "quiet$_" } 1 .. 100) } }, 100);
    check('server_versions', !!((values %{ $client->server_versions })[0] =~ /^1\.6\./), !!1);
}

sub everything {
    my ($dialect, $prefix, $here, $there) = @_;
    my ($client, $other) = (client_of($here, $dialect, $prefix), client_of($there, $dialect, $prefix));
    what_both_can($client, $other);
    if ($dialect eq 'fast') {
        what_fast_can($client, $other);
    } else {
        my $stats = $client->stats(['misc', 'items', 'sizes', 'settings']);
        check('stats', !!($stats->{hosts}{$here}{misc}{curr_items} > 0), !!1);
        check('stats total', !!($stats->{total}{bytes} > 0), !!1);
    }
    check('flush_all', !!$client->flush_all, !!1);
    check('get after flush_all', $client->get('text'), undef);
    eventually('flush_all', sub { $other->get('text') }, undef);
    $client->disconnect_all;
}

sub in_a_loop {
    my ($dialect, $prefix, $at, $seconds) = @_;
    $SIG{PIPE} = 'IGNORE';
    my $client = client_of($at, $dialect, '');
    my $end = time + $seconds;
    for (my $number = 0; time < $end; ++$number) {
        my $key = "$prefix-$number";
        my $good = $client->set($key, $key) && shown($client->get($key)) eq "'$key'";
        # What makes it forget that a server was dead; by itself it waits for 20 to 30 s.
        $client->forget_dead_hosts if !$good && $dialect ne 'fast';
        print $good ? "ok $key\n" : "no it said so\n";
        sleep 0.01;
    }
}

my ($mode, @arguments) = @ARGV;
$mode eq 'everything' ? everything(@arguments) : in_a_loop(@arguments);
print "done\n";
