// Where two mirrors of one process meet (mirror.hpp): a room has a place for each, and what one
// says is put before the other, in order, as long as both are there. Whoever comes back is another:
// what was said to the one before is lost, as on a connection that ends. Any thread.
#pragma once

#include "lib/mutex.hpp"

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace twincached::test {

class MirrorRoom {
  public:
    using Place = unsigned;  // 0 or 1

    // The room of that name; it exists as long as anybody is in it.
    static std::shared_ptr<MirrorRoom> enter(const std::string& name);

    // Takes a place; `wake` is called when something happens to it, under the room's lock: it must
    // only wake. Gives the visit's number, which nobody else ever has.
    std::uint64_t join(Place place, std::function<void()> wake);
    void leave(Place place);
    // To the other, if it is still on that visit.
    void say(Place place, std::uint64_t to_visit, std::string_view bytes);

    struct Heard {
        std::uint64_t other = 0;  // the visit of who is there now; 0: nobody
        std::vector<std::string> said;
    };
    Heard hear(Place place);

    // What a test does to those in the room. While it is cut, nobody hears of anything.
    void set_cut(bool is_cut);
    // Both are others from now on, and what was said is lost.
    void tear();

  private:
    struct Seat {
        std::uint64_t visit = 0;
        std::uint64_t heard_of = 0;  // the other's visit, as it last heard of it
        std::function<void()> wake;
        std::vector<std::string> said;
    };

    lib::Mutex mutex_;
    std::array<Seat, 2> seats_ GUARDED_BY(mutex_);
    bool is_cut_ GUARDED_BY(mutex_) = false;
};

}  // namespace twincached::test
