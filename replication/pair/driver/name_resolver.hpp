// Asks the system what addresses a name stands for, without ever making anybody wait for it: a name
// service that does not answer holds up a thread of its own and nothing else. The system cannot be
// told to stop looking, so at the end the thread is left to itself; what it finds then is told to
// nobody. One of the driver's files, owned by whoever asks; ask() and the destructor are one
// thread's.
#pragma once

#include "lib/mutex.hpp"
#include "lib/result.hpp"
#include "replication/pair/driver/driver_addresses.hpp"

#include <chrono>
#include <functional>
#include <memory>
#include <string>

namespace twincached::replication::pair {

class NameResolver {
  public:
    // The error is the reason, as the system words it. Blocks; any thread.
    using Lookup = std::function<lib::Parsed<Addresses>(const std::string& host)>;
    // Called on the resolver's thread; must only post.
    using Told = std::function<void(lib::Parsed<Addresses> found)>;

    NameResolver(std::string host, Lookup lookup, Told told);
    // From here on nothing is told any more.
    ~NameResolver();
    NameResolver(const NameResolver&) = delete;
    NameResolver& operator=(const NameResolver&) = delete;

    // Ends in one call of `told`, whenever that may be, or in none if there is no memory. One
    // question at a time: asked again before it is answered, it stays one.
    void ask();

  private:
    // Outlives the resolver for as long as the system takes.
    struct Question {
        std::string host;
        Lookup lookup;
        lib::Mutex mutex{};
        Told told GUARDED_BY(mutex){};  // null: nobody wants to know any more
        bool is_asked GUARDED_BY(mutex) = false;
    };
    static void answer(Question& question) noexcept;

    const std::shared_ptr<Question> question_;
};

// What is known of the name after so long at most; nothing if it does not resolve by then.
Addresses found_within(std::chrono::milliseconds limit, const std::string& host,
                       const NameResolver::Lookup& lookup);

}  // namespace twincached::replication::pair
