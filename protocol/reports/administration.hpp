// The verbs that operators and tools use: none of them touches an item. Where memcached turns a
// screw that this store does not have (slab pages, LRU segments), the request is checked and
// answered as there, and nothing else happens.
#pragma once

#include "protocol/execution/turn.hpp"

namespace twincached::protocol {

Outcome execute_flush(Turn& turn, const Command& command) noexcept;
Outcome execute_version(Turn& turn, const Command& command) noexcept;
Outcome execute_verbosity(Turn& turn, const Command& command) noexcept;
Outcome execute_quit(Turn& turn, const Command& command) noexcept;
Outcome execute_shutdown(Turn& turn, const Command& command) noexcept;
Outcome execute_cache_memlimit(Turn& turn, const Command& command) noexcept;
Outcome execute_slabs(Turn& turn, const Command& command) noexcept;
Outcome execute_lru(Turn& turn, const Command& command) noexcept;
Outcome execute_lru_crawler(Turn& turn, const Command& command) noexcept;
Outcome execute_watch(Turn& turn, const Command& command) noexcept;
Outcome execute_refresh_certs(Turn& turn, const Command& command) noexcept;
Outcome execute_debugtime(Turn& turn, const Command& command) noexcept;
Outcome execute_stats(Turn& turn, const Command& command) noexcept;

}  // namespace twincached::protocol
