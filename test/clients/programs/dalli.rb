# dalli 3 (Ruby): binary; the first thing it says is VERSION, many keys are SETQ and GETKQ with NOOP.
require 'dalli'

PATIENCE = 5
$stdout.sync = true
Dalli.logger.level = Logger::FATAL

def client_of(at, prefix = nil)
  Dalli::Client.new(at, namespace: prefix, socket_timeout: 2, down_retry_delay: 0.2,
                        socket_max_failures: 1, protocol: :binary)
end

def check(what, found, wanted)
  abort "#{what}: #{found.inspect[0, 500]} instead of #{wanted.inspect[0, 500]}" if found != wanted
end

def now
  Process.clock_gettime(Process::CLOCK_MONOTONIC)
end

def eventually(what, wanted)
  deadline = now + PATIENCE
  until (found = yield) == wanted
    check("#{what} on the other node", found, wanted) if now > deadline
    sleep 0.005
  end
end

def storing(client)
  thing = { 'a' => [1, nil], 'b' => 'c' * 20_000 }
  check 'set', !!client.set('thing', thing, 100), true
  check 'get', client.get('thing'), thing
  check 'set, compressed', !!client.set('big', 'x' * 500_000, 0, compress: true), true
  check 'get it', client.get('big'), 'x' * 500_000
  check 'add what is there', client.add('thing', 1), false
  check 'add', !!client.add('new', 'n'), true
  check 'replace', !!client.replace('new', 'other'), true
  check 'replace nothing', client.replace('absent', 'x'), 0 # as with memcached
  client.set('raw', 'middle', 0, raw: true)
  check 'append', !!client.append('raw', '-end'), true
  check 'prepend', !!client.prepend('raw', 'start-'), true
  check 'get raw', client.get('raw', raw: true), 'start-middle-end'
  check 'fetch', client.fetch('fetched', 100) { 'made' }, 'made'
  check 'get_multi', client.get_multi('raw', 'new', 'absent').size, 2
  client.multi { 100.times { |n| client.set("quiet#{n}", n) } }
end

def comparing(client)
  check 'cas', !!client.cas('new') { |old| "#{old}+" }, true
  value, token = client.get_cas('new')
  check 'get_cas', value, 'other+'
  check 'set_cas', !!client.set_cas('new', 'swapped', token), true
  check 'set_cas again', client.set_cas('new', 'x', token), false
  check 'get_multi_cas', client.get_multi_cas('new', 'raw').size, 2
  _, token = client.get_cas('new')
  check 'replace_cas', !!client.replace_cas('new', 'replaced', token), true
  check 'delete_cas of another', client.delete_cas('new', token), false
  check 'incr creates', client.incr('n', 1, 100, 5), 5
  check 'incr', client.incr('n', 10), 15
  check 'decr', client.decr('n', 100), 0
  check 'incr of nothing', client.incr('absent'), nil
  check 'touch', client.touch('new', 100), true
  check 'gat', client.gat('new', 100), 'replaced'
end

def everything(_dialect, prefix, here, there)
  client = client_of(here, prefix)
  other = client_of(there, prefix)
  storing(client)
  comparing(client)
  eventually('cas', 'replaced') { other.get('new') }
  eventually('a created counter', 0) { other.incr('n', 0) }
  eventually('a compressed value', 'x' * 500_000) { other.get('big') }
  eventually('quiet sets', 100) { other.get_multi((0...100).map { |n| "quiet#{n}" }).size }
  check 'delete', client.delete('new'), true
  check 'delete of nothing', !!client.delete('new'), false
  eventually('a delete', nil) { other.get('new') }
  check 'stats', client.stats.values.first['curr_items'].to_i.positive?, true
  check 'stats items', client.stats(:items).values.first.empty?, false
  check 'version', client.version.values.first.start_with?('1.6.'), true
  check 'alive!', !!client.alive!, true
  check 'flush', client.flush.all?, true
  check 'get after flush', client.get('thing'), nil
  eventually('a flush', nil) { other.get('thing') }
  client.close
end

def in_a_loop(_dialect, prefix, at, seconds)
  client = client_of(at)
  stop = now + seconds.to_f
  (0..).each do |number|
    break if now > stop

    key = "#{prefix}-#{number}"
    begin
      puts client.set(key, key) && client.get(key) == key ? "ok #{key}" : 'no it said so'
    rescue Dalli::DalliError => e
      puts "no #{e.class}"
    end
    sleep 0.01
  end
end

def count(_dialect, prefix, at, times)
  client = client_of(at)
  last = 0
  times.to_i.times do
    number = client.incr(prefix, 1, 0, 1)
    check 'a higher number', number > last, true
    last = number
  end
end

{ 'everything' => method(:everything), 'loop' => method(:in_a_loop),
  'count' => method(:count) }[ARGV[0]].call(*ARGV[1..])
puts 'done'
