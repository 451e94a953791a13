#include "test/drivers/mirror_room.hpp"

#include <atomic>
#include <map>
#include <utility>

namespace twincached::test {

std::shared_ptr<MirrorRoom> MirrorRoom::enter(const std::string& name) {
    static lib::Mutex mutex;
    static std::map<std::string, std::weak_ptr<MirrorRoom>> rooms;
    const lib::MutexLock lock(mutex);
    auto room = rooms[name].lock();
    if (!room) rooms[name] = room = std::make_shared<MirrorRoom>();
    return room;
}

std::uint64_t MirrorRoom::join(Place place, std::function<void()> wake) {
    static std::atomic<std::uint64_t> visits{0};
    const lib::MutexLock lock(mutex_);
    auto& seat = seats_[place];
    seat = {++visits, std::move(wake), {}};
    auto& other = seats_[1 - place];
    other.said.clear();
    if (other.wake) other.wake();
    return seat.visit;
}

void MirrorRoom::leave(Place place) {
    const lib::MutexLock lock(mutex_);
    seats_[place] = {};
    auto& other = seats_[1 - place];
    other.said.clear();
    if (other.wake) other.wake();
}

void MirrorRoom::say(Place place, std::uint64_t to_visit, std::string_view bytes) {
    const lib::MutexLock lock(mutex_);
    auto& other = seats_[1 - place];
    if (other.visit != to_visit) return;
    other.said.emplace_back(bytes);
    other.wake();
}

MirrorRoom::Heard MirrorRoom::hear(Place place) {
    const lib::MutexLock lock(mutex_);
    return {seats_[1 - place].visit, std::exchange(seats_[place].said, {})};
}

}  // namespace twincached::test
